import Adapters
package import Checkpoints
package import DeltaFormat
package import Diagnostics
package import Digests
import Files
package import Packaging
package import Parallelism
import Tensors

/// Takes the delta between two checkpoints.
package struct ExtractJob: Sendable {
    package struct Report: Sendable {
        package struct Tensor: Sendable {
            package let name: String
            package let kind: String
            package let storedBytes: Int
        }

        package let tunedBytes: Int
        package let storedBytes: Int
        /// Tensors of the tuned checkpoint that need nothing.
        package let equalCount: Int
        package let tensors: [Tensor]
        package let contentDigest: Digest
        package let baseRoot: Digest
        package let resultRoot: Digest
        package let findings: [Finding]
        package let memoryBytes: Int
        package let times: StageTimes
    }

    package var compression: Compression = .standard
    package var lanes: Lanes
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes the lossless delta from `base` to `tuned` to the container `output`, or `-`.
    ///
    /// Both are read twice: to compare them and to code what differs. Every difference is put back onto the base and
    /// compared before it is written. Memory: a few windows a lane.
    package func run(base: Checkpoint, tuned: Checkpoint, output path: String) throws(Failure) -> Report {
        var times = StageTimes()
        if path != "-" { try Outputs.checkFree(path, replaces: replaces) }
        let pair = try CheckpointPair(base: base, tuned: tuned, lanes: lanes)
        times.end("compare")
        let adapter = try LosslessDelta(pair).adapter()
        let output: OutputFile =
            if isDryRun { .discarded() } else if path == "-" { .standardOutput() } else {
                try OutputFile.create(at: path, replacing: replaces)
            }
        let written = try ContainerWriter(compression: compression, lanes: lanes).writeIndexed(adapter, to: output)
        try pair.checkUnchanged()
        times.end("encode")
        if !isDryRun { try output.commit() }
        times.end("commit")
        return Report(
            tunedBytes: tuned.shards.reduce(0) { $0 + $1.file.header.fileByteCount },
            storedBytes: Int(written.trailer.fileSize),
            equalCount: zip(pair.pairs, pair.findings).count { $0.added == nil && $1.changes == 0 },
            tensors: try Self.tensors(written.index), contentDigest: written.trailer.contentDigest,
            baseRoot: pair.baseFingerprint.root, resultRoot: pair.tunedFingerprint.root,
            findings: base.findings + tuned.findings, memoryBytes: Outputs.memory(lanes: lanes), times: times)
    }

    private static func tensors(_ index: Index) throws(Failure) -> [Report.Tensor] {
        let layout = try Layout(index, alignment: Header().alignment)
        var first = 0
        return index.entries.map { entry in
            let own = layout.tensors[first..<first + Int(entry.tensorCount)]
            first += own.count
            let planes = own.first.map { $0.firstPlane }
            let end = own.last.map { $0.firstPlane + $0.chunkCount * $0.planeCount }
            return Report.Tensor(
                name: index.string(entry.target), kind: entry.kind.word,
                storedBytes: index.planes[(planes ?? 0)..<(end ?? 0)].reduce(0) { $0 + $1.storedBytes })
        }
    }
}
