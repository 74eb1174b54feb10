import DeltaFormat
import Diagnostics
import Digests
import Parallelism
import Synchronization
import Tensors

/// Sees to it that what is unpacked has the digests that the index states: of tensors that pass through a writer on the
/// way, of all others in a pass of their own.
final class UnpackDigests: Sendable {
    private struct Watched {
        let collector: DigestCollector
        /// For each tensor of the writer's list its number in the container, or nil where it was computed.
        let numbers: [Int?]
    }

    private let container: Container
    private let watched = Mutex<[Watched]>([])

    init(_ container: Container) {
        self.container = container
    }

    /// What is to see the blocks of `sources` as they are written.
    func observer(for sources: [any TensorSource]) -> (any BlockObserver)? {
        let collector = DigestCollector(byteCounts: sources.map(\.byteCount))
        let numbers = sources.map { source in
            (((source as? WatchedTensor)?.original ?? source) as? ContainerTensor)?.number
        }
        watched.withLock { $0.append(Watched(collector: collector, numbers: numbers)) }
        return collector
    }

    /// Throws ``Failure/Code/digestMismatch`` where a digest is not the index's. Called when all is written.
    func finish(lanes: Lanes) throws(Failure) {
        var rest = Set(container.layout.tensors.indices)
        for watched in watched.withLock({ $0 }) {
            for (seen, number) in watched.numbers.enumerated() {
                guard let number else { continue }
                rest.remove(number)
                try container.check(watched.collector.digest(of: seen), of: number)
            }
        }
        try container.verify(.full, tensors: rest.sorted(), lanes: lanes)
    }
}
