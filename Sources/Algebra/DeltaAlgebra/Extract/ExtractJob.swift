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
            /// Of a product of thin matrices.
            package var rank: Int?
            /// What of the tensor's change is missing; 0 where nothing is.
            package var relativeError = 0.0
        }

        package let tunedBytes: Int
        package let storedBytes: Int
        /// Tensors of the tuned checkpoint that need nothing.
        package let equalCount: Int
        /// What of the whole change is missing.
        package let relativeError: Double
        package let tensors: [Tensor]
        package let contentDigest: Digest
        package let baseRoot: Digest
        /// Of the checkpoint that a lossless delta gives back.
        package let resultRoot: Digest?
        package let findings: [Finding]
        package let memoryBytes: Int
        package let times: StageTimes
    }

    package var compression: Compression = .standard
    /// How to approximate the change; nil for the change itself.
    package var lowRank: LowRankOptions?
    package var memory = MemoryBudget.standard
    package var lanes: Lanes
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes the delta from `base` to `tuned` to the container `output`, or `-`.
    ///
    /// Both are read twice: to compare them and to code what differs. Every difference is put back onto the base and
    /// compared before it is written. Memory: a few windows a lane.
    package func run(base: Checkpoint, tuned: Checkpoint, output path: String) throws(Failure) -> Report {
        var times = StageTimes()
        if path != "-" {
            try Outputs.checkApart(path, from: base.paths + tuned.paths)
            try Outputs.checkFree(path, replaces: replaces)
        }
        let pair = try CheckpointPair(base: base, tuned: tuned, lanes: lanes)
        times.end("compare")
        var outcome: LowRankDelta.Outcome?
        if let lowRank {
            outcome = try LowRankDelta(pair: pair, options: lowRank, lanes: lanes, memory: memory).run()
            times.end("decompose")
        }
        let adapter = if let outcome { outcome.adapter } else { try LosslessDelta(pair).adapter() }
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
            relativeError: Self.relativeError(outcome?.results ?? []),
            tensors: try Self.tensors(written.index, outcome?.results ?? []),
            contentDigest: written.trailer.contentDigest, baseRoot: pair.baseFingerprint.root,
            resultRoot: outcome == nil || lowRank?.hasResidual == true ? pair.tunedFingerprint.root : nil,
            findings: base.findings + tuned.findings + (outcome?.findings ?? []),
            memoryBytes: Outputs.memory(lanes: lanes), times: times)
    }

    private static func relativeError(_ results: [LowRankResult]) -> Double {
        let power = results.reduce(0) { $0 + $1.power }
        let missing = results.reduce(0) { $0 + $1.power * $1.relativeError * $1.relativeError }
        return power > 0 ? (missing / power).squareRoot() : 0
    }

    private static func tensors(_ index: Index, _ results: [LowRankResult]) throws(Failure) -> [Report.Tensor] {
        let results = Dictionary(results.map { ($0.name, $0) }) { first, _ in first }
        let layout = try Layout(index, alignment: Header().alignment)
        var first = 0
        return index.entries.map { entry in
            let own = layout.tensors[first..<first + Int(entry.tensorCount)]
            first += own.count
            let planes = own.first.map { $0.firstPlane }
            let end = own.last.map { $0.firstPlane + $0.chunkCount * $0.planeCount }
            var tensor = Report.Tensor(
                name: index.string(entry.target), kind: entry.kind.word,
                storedBytes: index.planes[(planes ?? 0)..<(end ?? 0)].reduce(0) { $0 + $1.storedBytes })
            if entry.kind == .lora, let result = results[tensor.name] {
                tensor.rank = result.factors?.rank
                tensor.relativeError = result.relativeError
            }
            return tensor
        }
    }
}
