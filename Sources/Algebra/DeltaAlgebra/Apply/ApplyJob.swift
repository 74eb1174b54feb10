import Adapters
package import Checkpoints
import DeltaFormat
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
        /// Elements of the tensors that were changed.
        package let changedWeights: Int
        /// Nil where nothing was computed, and where the result is what a lossless delta promises.
        package let rounding: RoundingReport?
        /// Of the result, where it was asked for or is promised.
        package let resultRoot: Digest?
        /// How large the correction is, where one was asked for.
        package let undoBytes: Int?
        package var findings: [Finding]
        package let memoryBytes: Int
        package var times: StageTimes
    }

    package var lanes: Lanes
    package var check: BaseCheck = .strict
    /// Knows bases that were read before, so that a wrong one is refused before anything is written.
    package var cache: FingerprintCache?
    /// What all tensors of floats become; nil for what they are.
    package var dtype: DType?
    /// Data of a shard at most; nil for the base's own files.
    package var shardByteCount: Int?
    package var takesResultRoot = false
    /// Where to write the correction that `unapply` needs; nil for none.
    package var undoPath: String?
    package var replaces = false
    /// Go on with what an interrupted run left.
    package var resumes = false
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
        let inputs = adapters.map(\.path) + base.paths
        try Outputs.checkApart(output, from: inputs)
        if let undoPath { try Outputs.checkApart(undoPath, from: inputs) }
        try Outputs.checkFree(output, replaces: replaces)
        try checkUndo(adapters, output)
        let binding = BindingCheck(mode: check, base: base, adapters: adapters, lanes: lanes)
        var findings = base.findings + (try binding.begin())
        let watch = BaseWatch(
            base,
            isWatching: binding.needsDigests || takesResultRoot || undoPath != nil || promisedRoot(adapters) != nil)
        let plan = try ResultPlan(adapters, onto: watch, dtype: dtype)
        findings += plan.findings
        if binding.needsDigests, let known = cache?.digests(of: base) {
            // What passes is hashed all the same: it may not be what was read before.
            _ = try binding.end(BaseFingerprint(of: base, data: known), plan.entryTargets)
        }
        let files = try self.files(adapters, plan, base)
        times.end("plan")
        var report = Report(
            files: files.names, byteCount: files.shards.byteCount, tensorCount: base.tensors.count,
            changedCount: plan.changed.count, changedWeights: plan.changedWeights, rounding: nil,
            resultRoot: nil, undoBytes: nil,
            findings: findings,
            memoryBytes: Outputs.memory(lanes: lanes), times: times)
        if isDryRun { return report }

        let folder = try OutputFolder.createResumable(
            at: output, replacing: replaces, key: key(adapters, base, files), resuming: resumes)
        let needsRoot = takesResultRoot || undoPath != nil || promisedRoot(adapters) != nil
        let results = needsRoot ? ResultWatch(plan.tensors) : nil
        try CheckpointWriter.write(
            files.shards, sources: plan.tensors.map(\.source), to: folder, lanes: lanes,
            observer: { results?.observer($0.tensors) })
        if folder.finishedCount > 0 {
            findings.append(
                Finding(
                    "resumed",
                    "\(folder.finishedCount) files were finished before; what rounding lost is told of the rest"))
        }
        try files.writeOthers(from: base, to: folder)
        try results?.readFinished(files.shards, in: folder, lanes: lanes)
        times.end("write")
        let proof = try prove(adapters, watch, binding, results, plan, &findings)
        times.end("verify")
        var undo: (file: OutputFile, byteCount: Int)?
        if let undoPath, let proof {
            undo = try writeUndo(Correction(plan: plan, watch: watch, adapters: adapters), proof, to: undoPath)
            times.end("undo")
        }
        try base.checkUnchanged()
        try undo?.file.commit()
        do throws(Failure) {
            try folder.commit()
        } catch {
            // Neither without the other.
            if let undoPath, !replaces { try? Folder.remove(undoPath) }
            throw error
        }
        times.end("commit")
        report = Report(
            files: report.files, byteCount: report.byteCount, tensorCount: report.tensorCount,
            changedCount: report.changedCount, changedWeights: report.changedWeights,
            rounding: promisedRoot(adapters) == nil ? plan.tally.report : nil,
            resultRoot: proof?.root,
            undoBytes: undo?.byteCount, findings: findings, memoryBytes: report.memoryBytes, times: times)
        return report
    }

    private func checkUndo(_ adapters: [WeightedAdapter], _ output: String) throws(Failure) {
        guard let undoPath else { return }
        guard !Paths.areSame(undoPath, output) else {
            throw Failure(.usage, "the correction and the result cannot be at one place", path: output)
        }
        try Outputs.checkFree(undoPath, replaces: replaces)
        guard dtype == nil else {
            throw Failure(.usage, "a result in another dtype cannot be undone", hint: "leave out --dtype or --undo")
        }
        if let delta = adapters.first(where: { $0.adapter.isCheckpointDelta }) {
            throw Failure(
                .usage, "a delta of checkpoints needs no correction", object: delta.path,
                hint: "extract the delta that leads back: --base the result, --tuned the base")
        }
    }

    private func writeUndo(
        _ correction: Correction, _ proof: Proof, to path: String
    ) throws(Failure) -> (file: OutputFile, byteCount: Int) {
        let file = try OutputFile.create(at: path, replacing: replaces)
        let adapter = try correction.adapter(base: proof.base, merged: proof.leaves)
        let trailer = try ContainerWriter(lanes: lanes).write(adapter, to: file)
        return (file, Int(trailer.fileSize))
    }

    // MARK: Files

    /// What the result's bytes depend on: the base's files as they lie there, and all that is put onto them.
    private func key(_ adapters: [WeightedAdapter], _ base: Checkpoint, _ files: OutputPlan) -> String {
        var hash = SHA256()
        hash.update(domain: "tenon.apply.v1")
        for shard in base.shards {
            hash.update(lengthPrefixed: Array("\(shard.name) \(shard.file.file.identity)".utf8))
        }
        hash.update(lengthPrefixed: Array("\(base.config)".utf8))
        for one in adapters { hash.update(lengthPrefixed: Array("\(one.contentDigest) \(one.weight)".utf8)) }
        for file in files.shards.files {
            hash.update(lengthPrefixed: Array(file.name.utf8))
            hash.update(lengthPrefixed: file.headerBytes)
        }
        return "\(hash.finish())"
    }

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
    ) throws(Failure) -> Proof? {
        guard binding.needsDigests || results != nil else { return nil }
        let digests = try watch.digests(lanes: lanes)
        try watch.base.checkUnchanged()
        cache?.keep(digests, of: watch.base)
        let fingerprint = BaseFingerprint(of: watch.base, data: digests)
        if binding.needsDigests {
            findings += try binding.end(fingerprint, plan.entryTargets)
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
        return Proof(base: fingerprint, leaves: leaves, root: root)
    }

    /// What digests say once everything is written.
    private struct Proof {
        let base: BaseFingerprint
        /// Of the result, in the order of the plan's tensors.
        let leaves: [Digest]
        let root: Digest
    }
}
