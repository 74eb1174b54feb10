import Checkpoints
import Diagnostics
import Digests
import Parallelism
import Tensors

/// Takes the digests of a base's tensors as their bytes pass on the way to the result, so that nothing is read twice.
final class BaseWatch: Sendable {
    let base: Checkpoint
    private let restored: [Int: any TensorSource]
    private let isWatching: Bool
    private let collector: DigestCollector

    /// - Parameters:
    ///   - restored: Tensors of the base that are read from elsewhere than its files, by their numbers.
    ///   - isWatching: False where nobody will ask for digests: then nothing is hashed.
    init(_ base: Checkpoint, restored: [Int: any TensorSource] = [:], isWatching: Bool = true) {
        self.base = base
        self.restored = restored
        self.isWatching = isWatching
        collector = DigestCollector(byteCounts: base.tensors.map(\.byteCount))
    }

    func source(_ tensor: Int) -> any TensorSource { restored[tensor] ?? base.tensors[tensor].source }

    /// Every byte of a tensor is to be shown once, in stretches that begin at multiples of a leaf.
    func observe(_ tensor: Int, at offset: Int, _ bytes: RawSpan) {
        guard isWatching else { return }
        let block = TensorBlock(tensor: tensor, offset: offset, count: bytes.byteCount)
        collector.observe(BlockGroup(blocks: [block]), bytes: bytes)
    }

    /// The digests of all tensors; those that did not pass are read now.
    func digests(lanes: Lanes) throws(Failure) -> [Digest] {
        let missing = base.tensors.indices.filter { collector.digest(of: $0) == nil }
        let read = try DataDigests.take(of: missing.map(source), lanes: lanes)
        var late = Dictionary(uniqueKeysWithValues: zip(missing, read))
        return try base.tensors.indices.map { tensor throws(Failure) in
            guard let digest = collector.digest(of: tensor) ?? late.removeValue(forKey: tensor) else {
                throw Failure(.internal, "a tensor of the base was not hashed", object: base.tensors[tensor].name)
            }
            return digest
        }
    }
}

/// A tensor of the base whose bytes are shown to the watch as they are read, in blocks.
struct WatchedBaseTensor: TensorSource {
    let watch: BaseWatch
    let number: Int

    private var source: any TensorSource { watch.source(number) }

    var dtype: DType { source.dtype }
    var shape: Shape { source.shape }
    var byteCount: Int { source.byteCount }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try source.read(at: offset, into: &target)
        watch.observe(number, at: offset, target.bytes)
    }
}
