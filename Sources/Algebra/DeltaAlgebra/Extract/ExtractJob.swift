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
            /// What of the tensor's change the approximation misses; 0 where there is none.
            package var relativeError = 0.0
        }

        package let tunedBytes: Int
        package let storedBytes: Int
        /// Tensors of the tuned checkpoint that need nothing.
        package let equalCount: Int
        /// Whether tensors were approximated, also where a residual makes up for it.
        package let isApproximate: Bool
        /// What of the whole change the approximation misses.
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
    package var form = ExtractForm.lossless(.shortest)
    package var memory = MemoryBudget.standard
    package var lanes: Lanes
    /// That of the base where it is known and the base's bytes are checked as they are read.
    package var baseFingerprint: BaseFingerprint?
    package var progress: Progress?
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes the delta from `base` to `tuned` to the container `output`, or `-`.
    ///
    /// Both are read twice: to compare them and to code what differs. Every difference is put back onto the base and
    /// compared before it is written. Memory: a few windows a lane, and at most 64 MiB of changes.
    package func run(base: Checkpoint, tuned: Checkpoint, output path: String) throws(Failure) -> Report {
        var times = StageTimes()
        if path != "-" {
            try Outputs.checkApart(path, from: base.paths + tuned.paths)
            try Outputs.checkFree(path, replaces: replaces)
        }
        progress?.expect(2 * tuned.totalBytes)
        let pair = try CheckpointPair(
            base: base, known: baseFingerprint, tuned: tuned, lanes: lanes, progress: progress)
        progress?.note(tuned.totalBytes - pair.changedByteCount)
        times.end("compare")
        let (adapter, results, findings) = try delta(pair)
        if case .lossy = form { times.end("decompose") }
        let output: OutputFile =
            if isDryRun { .discarded() } else if path == "-" { .standardOutput() } else {
                try OutputFile.create(at: path, replacing: replaces)
            }
        let written = try ContainerWriter(compression: compression, lanes: lanes).writeIndexed(
            progress?.watching(adapter, isExpected: true) ?? adapter, to: output)
        try pair.checkUnchanged()
        times.end("encode")
        if !isDryRun { try output.commit() }
        times.end("commit")
        return Report(
            tunedBytes: tuned.shards.reduce(0) { $0 + $1.file.header.fileByteCount },
            storedBytes: Int(written.trailer.fileSize),
            equalCount: zip(pair.pairs, pair.findings).count { $0.added == nil && $1.changes == 0 },
            isApproximate: !results.isEmpty, relativeError: results.relativeError,
            tensors: try Self.tensors(written.index, results),
            contentDigest: written.trailer.contentDigest, baseRoot: pair.baseFingerprint.root,
            resultRoot: adapter.parameters["result_root"] == nil ? nil : pair.tunedFingerprint.root,
            findings: base.findings + tuned.findings + findings,
            memoryBytes: Outputs.memory(lanes: lanes), times: times)
    }

    private func delta(_ pair: CheckpointPair) throws(Failure) -> (Adapter, [LossyResult], [Finding]) {
        switch form {
        case .lossless(let form):
            let adapter = try LosslessDelta(pair, form: form).adapter()
            return (adapter, [], Self.unrelated(adapter, pair))
        case .lossy(let options):
            let outcome =
                if case .lora(let goal) = options.form {
                    try LowRankDelta(pair: pair, goal: goal, options: options, lanes: lanes, memory: memory).run()
                } else {
                    try ApproximateDelta(
                        pair: pair, options: options, compression: compression, lanes: lanes, memory: memory
                    ).run()
                }
            return (outcome.adapter, outcome.results, outcome.findings)
        }
    }

    /// What is told where hardly anything of the tuned checkpoint could be had from the base.
    private static func unrelated(_ adapter: Adapter, _ pair: CheckpointPair) -> [Finding] {
        guard !pair.base.tensors.isEmpty else { return [] }
        let whole = adapter.entries.filter { $0.key.kind == .full }.reduce(0) { sum, entry in
            entry.tensors.reduce(sum) { $0 + $1.source.byteCount }
        }
        let all = pair.tuned.tensors.reduce(0) { $0 + $1.byteCount }
        guard whole > 0, whole >= all - all / 10 else { return [] }
        return [
            Finding(
                "models-unrelated", "nearly all tensors are stored whole: the two models seem to be unrelated",
                object: pair.tuned.path)
        ]
    }

    private static func tensors(_ index: Index, _ results: [LossyResult]) throws(Failure) -> [Report.Tensor] {
        let results = Dictionary(results.map { ($0.name, $0) }) { first, _ in first }
        return try index.storedEntries().map { entry in
            var tensor = Report.Tensor(name: entry.name, kind: entry.kind.word, storedBytes: entry.byteCount)
            if let result = results[entry.name], result.kind == entry.kind {
                tensor.rank = result.rank
                tensor.relativeError = result.relativeError
            }
            return tensor
        }
    }
}
