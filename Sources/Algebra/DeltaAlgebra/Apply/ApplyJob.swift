import Adapters
package import Checkpoints
package import Diagnostics
package import Digests
import Files
package import Packaging
package import Parallelism
package import Tensors

/// Puts adapters and deltas onto a base: `Spec/arithmetic.md`, `Spec/deltas.md`.
package struct ApplyJob: Sendable {
    package struct Report: Sendable {
        package let files: [String]
        package let byteCount: Int
        /// Tensors of the base, and those that were changed.
        package let tensorCount: Int
        package let changedCount: Int
        package let rounding: RoundingReport
        /// Of the result, where it was asked for or is promised.
        package let resultRoot: Digest?
        package var findings: [Finding]
        package let memoryBytes: Int
        package var times: StageTimes
    }

    package var lanes: Lanes
    package var check: BaseCheck = .strict
    /// What all tensors of floats become; nil for what they are.
    package var dtype: DType?
    /// Data of a shard at most; nil for the base's own files.
    package var shardByteCount: Int?
    package var takesResultRoot = false
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes the result to the folder `output`.
    ///
    /// Memory: a few MiB a lane, and the factors of as many tensors as there are lanes. Throws
    /// ``Failure/Code/baseMismatch``, ``Failure/Code/baseIncompatible``, ``Failure/Code/notMergeable``,
    /// ``Failure/Code/digestMismatch`` where a lossless delta does not give what it promises, and what reading and
    /// writing throw; then nothing is left behind.
    package func run(_ adapters: [WeightedAdapter], onto base: Checkpoint, output: String) throws(Failure) -> Report {
        var times = StageTimes()
        try Outputs.checkFree(output, replaces: replaces)
        let binding = BindingCheck(mode: check, base: base, adapters: adapters, lanes: lanes)
        var findings = base.findings + (try binding.begin())
        let watch = BaseWatch(
            base, isWatching: binding.needsDigests || takesResultRoot || promisedRoot(adapters) != nil)
        let plan = try ResultPlan(adapters, onto: watch, dtype: dtype)
        findings += plan.findings
        let files = try self.files(adapters, plan, base)
        times.end("plan")
        var report = Report(
            files: files.names, byteCount: files.shards.byteCount, tensorCount: base.tensors.count,
            changedCount: plan.changed.count, rounding: RoundingReport(), resultRoot: nil, findings: findings,
            memoryBytes: Outputs.memory(lanes: lanes), times: times)
        if isDryRun { return report }

        let folder = try OutputFolder.create(at: output, replacing: replaces)
        let needsRoot = takesResultRoot || promisedRoot(adapters) != nil
        let results = needsRoot ? ResultWatch(plan.tensors) : nil
        try CheckpointWriter.write(
            files.shards, sources: plan.tensors.map(\.source), to: folder, lanes: lanes,
            observer: { results?.observer($0.tensors) })
        try files.writeOthers(from: base, to: folder)
        times.end("write")
        let root = try prove(adapters, watch, binding, results, plan, &findings)
        try base.checkUnchanged()
        times.end("verify")
        try folder.commit()
        times.end("commit")
        report = Report(
            files: report.files, byteCount: report.byteCount, tensorCount: report.tensorCount,
            changedCount: report.changedCount, rounding: plan.tally.report, resultRoot: root, findings: findings,
            memoryBytes: report.memoryBytes, times: times)
        return report
    }

    // MARK: Files

    private func files(
        _ adapters: [WeightedAdapter], _ plan: ResultPlan, _ base: Checkpoint
    ) throws(Failure) -> OutputPlan {
        if promisedRoot(adapters) != nil, shardByteCount == nil,
            let files = try OutputPlan(files: adapters[0].adapter.entries, plan.tensors)
        {
            return files
        }
        return try OutputPlan(following: base, plan.tensors, shardByteCount: shardByteCount)
    }

    /// The root that a lossless delta promises, where it is applied alone and as it is.
    private func promisedRoot(_ adapters: [WeightedAdapter]) -> String? {
        guard adapters.count == 1, dtype == nil, adapters[0].adapter.isCheckpointDelta else { return nil }
        return adapters[0].adapter.parameters["result_root"]?.string
    }

    // MARK: Proof

    private func prove(
        _ adapters: [WeightedAdapter], _ watch: BaseWatch, _ binding: BindingCheck, _ results: ResultWatch?,
        _ plan: ResultPlan, _ findings: inout [Finding]
    ) throws(Failure) -> Digest? {
        guard binding.needsDigests || results != nil else { return nil }
        let digests = try watch.digests(lanes: lanes)
        if binding.needsDigests {
            findings += try binding.end(BaseFingerprint(of: watch.base, data: digests), plan.entryTargets)
        }
        guard let results else { return nil }
        let leaves = results.leaves(base: digests)
        let root = MerkleTree.root(of: leaves)
        if let promised = promisedRoot(adapters), promised != "\(root)" {
            let expected = Dictionary(
                adapters[0].adapter.entries.compactMap { entry in
                    entry.binding?.resultLeaf.map { (entry.key.target, $0) }
                }, uniquingKeysWith: { $1 })
            let wrong = zip(plan.tensors, leaves).first { tensor, leaf in
                expected[tensor.name].map { $0 != leaf } ?? false
            }
            throw Failure(
                .digestMismatch, "the result is not the checkpoint that the delta promises", object: wrong?.0.name,
                path: watch.base.path, expected: "root \(promised)", actual: "\(root)",
                hint: "the base is another one, or one of the files is damaged")
        }
        return root
    }
}
