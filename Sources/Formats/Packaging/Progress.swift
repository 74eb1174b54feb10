package import Adapters
import Diagnostics
import Synchronization
import Tensors

/// How far a job has come, for whoever wants to draw it: bytes of tensors that were read, of all there are.
package final class Progress: Sendable {
    private let total = Atomic<Int>(0)
    private let done = Atomic<Int>(0)

    package init() {}

    /// The part that is done, nil as long as nothing is known.
    package var share: Double? {
        let total = total.load(ordering: .relaxed)
        // Some bytes are read twice: a few to choose how to store them.
        return total == 0 ? nil : min(1, Double(done.load(ordering: .relaxed)) / Double(total))
    }

    /// The same adapter, each of whose bytes counts as done once it was read.
    ///
    /// - Parameter isExpected: Whether its bytes were announced already.
    package func watching(_ adapter: Adapter, isExpected: Bool = false) -> Adapter {
        var adapter = adapter
        for index in adapter.entries.indices {
            let entry = adapter.entries[index]
            let tensors = entry.tensors.map { RoleTensor($0.role, WatchedTensor(original: $0.source, progress: self)) }
            if !isExpected { expect(tensors.reduce(0) { $0 + $1.source.byteCount }) }
            adapter.entries[index].tensors = tensors
        }
        return adapter
    }

    /// Says how much is to be read, besides what was said before.
    package func expect(_ count: Int) {
        total.add(count, ordering: .relaxed)
    }

    package func note(_ count: Int) {
        done.add(count, ordering: .relaxed)
    }
}

/// A tensor whose reads count.
struct WatchedTensor: TensorSource {
    let original: any TensorSource
    fileprivate let progress: Progress

    var dtype: DType { original.dtype }
    var shape: Shape { original.shape }
    var byteCount: Int { original.byteCount }
    var blockByteCount: Int { original.blockByteCount }
    var isSegmented: Bool { original.isSegmented }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try original.read(at: offset, into: &target)
        progress.note(target.byteCount)
    }

    func readSegments(at offset: Int, into target: inout MutableRawSpan) throws(Failure) -> [Int] {
        let segments = try original.readSegments(at: offset, into: &target)
        progress.note(target.byteCount)
        return segments
    }
}
