import Checkpoints
import Diagnostics
import Digests
import Files
import Parallelism
import Synchronization
import Tensors

/// Takes the digests of a result's tensors as they are written. Those that are the base's pass the base's watch.
final class ResultWatch: Sendable {
    private let tensors: [ResultTensor]
    private let collector: DigestCollector
    private let finished = Mutex<[Int: Digest]>([:])

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

    /// Takes the digests of the files that an earlier run finished, from the files.
    func readFinished(_ plan: ShardPlan, in folder: OutputFolder, lanes: Lanes) throws(Failure) {
        for file in plan.files where folder.finishedDigest(of: file.name) != nil {
            let written = try SafetensorsFile(folder.finishedFile(file.name))
            guard written.header.bytes == file.headerBytes else {
                throw Failure(
                    .changedDuringRead, "a file of the unfinished work was changed", object: file.name,
                    hint: "without --resume it is begun anew")
            }
            let sources = written.header.offsetOrder.map(written.source(at:))
            let digests = try DataDigests.take(of: sources, lanes: lanes)
            finished.withLock { finished in
                for (number, digest) in zip(file.tensors, digests) { finished[number] = digest }
            }
        }
    }

    /// The leaves of the result, from its own digests and those of the base's tensors.
    func leaves(base: [Digest]) -> [Digest] {
        let finished = finished.withLock { $0 }
        return tensors.indices.map { number in
            let tensor = tensors[number]
            let data = finished[number] ?? tensor.copyOf.map { base[$0] } ?? collector.digest(of: number) ?? .zero
            return BaseFingerprint.leaf(
                name: tensor.name, dtype: tensor.source.dtype, shape: tensor.source.shape, data: data)
        }
    }
}
