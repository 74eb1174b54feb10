import Checkpoints
import Digests
import Tensors

/// Takes the digests of a result's tensors as they are written. Those that are the base's pass the base's watch.
final class ResultWatch: Sendable {
    private let tensors: [ResultTensor]
    private let collector: DigestCollector

    init(_ tensors: [ResultTensor]) {
        self.tensors = tensors
        collector = DigestCollector(byteCounts: tensors.map { $0.copyOf == nil ? $0.source.byteCount : 0 })
    }

    /// What sees the blocks of one file, which hold the tensors of these numbers.
    func observer(_ numbers: [Int]) -> any BlockObserver {
        FileWatch(numbers: numbers, watch: self)
    }

    private struct FileWatch: BlockObserver {
        let numbers: [Int]
        let watch: ResultWatch

        func observe(_ group: BlockGroup, bytes: RawSpan) {
            var start = 0
            for block in group.blocks {
                let number = numbers[block.tensor]
                let end = start + block.count
                if watch.tensors[number].copyOf == nil {
                    let own = TensorBlock(tensor: number, offset: block.offset, count: block.count)
                    watch.collector.observe(BlockGroup(blocks: [own]), bytes: bytes.extracting(start..<end))
                }
                start = end
            }
        }
    }

    /// The leaves of the result, from its own digests and those of the base's tensors.
    func leaves(base: [Digest]) -> [Digest] {
        tensors.indices.map { number in
            let tensor = tensors[number]
            let data = tensor.copyOf.map { base[$0] } ?? collector.digest(of: number) ?? .zero
            return BaseFingerprint.leaf(
                name: tensor.name, dtype: tensor.source.dtype, shape: tensor.source.shape, data: data)
        }
    }
}
