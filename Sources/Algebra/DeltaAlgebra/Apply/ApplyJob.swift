import Adapters
package import Checkpoints
import DeltaFormat
package import Diagnostics
package import Digests
import Files
import JSON
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
        package var rounding: RoundingReport?
        /// Of the result, where it was asked for or is promised.
        package var resultRoot: Digest?
        /// How large the correction is, where one was asked for.
        package var undoBytes: Int?
        /// In a dry run, what was checked without reading the base.
        package var checked: BaseChecked
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
    /// What tensors that must be held may take at most, with all else; nil for any amount.
    package var memoryByteCount: Int?

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes the result to the folder `output`.
    ///
    /// Memory: a few MiB a lane, and the factors of as many tensors as there are lanes. Throws
    /// ``Failure/Code/baseMismatch``, ``Failure/Code/baseIncompatible``, ``Failure/Code/notMergeable``,
    /// ``Failure/Code/digestMismatch`` where a lossless delta does not give what it promises, ``Failure/Code/usage`` where what
    /// ``undoPath`` asks for cannot be had, as of tensors that the base lacks, and what reading and writing throw; then
    /// nothing is left behind.
    package func run(_ adapters: [WeightedAdapter], onto base: Checkpoint, output: String) throws(Failure) -> Report {
        var times = StageTimes()
        let inputs = adapters.map(\.path) + base.paths
        try Outputs.checkApart(output, from: inputs)
        if let undoPath { try Outputs.checkApart(undoPath, from: inputs) }
        try Outputs.checkFree(output, replaces: replaces)
        try checkUndo(adapters, output)
        let left = try leftCorrection(adapters)
        if let undoPath, left == nil { try Outputs.checkFree(undoPath, replaces: replaces) }
        let binding = BindingCheck(mode: check, base: base, adapters: adapters, lanes: lanes)
        var findings = base.findings + (try binding.begin())
        let watch = BaseWatch(
            base,
            isWatching: binding.needsDigests || takesResultRoot || undoPath != nil || promisedRoot(adapters) != nil)
        let plan = try ResultPlan(adapters, onto: watch, dtype: dtype)
        findings += plan.findings
        if undoPath != nil, let new = plan.made.first ?? plan.config.map({ _ in HeadConfig.name }) {
            throw Failure(
                .usage, "a correction cannot take a module away that is not the base's, nor its classes", object: new,
                hint: "leave out --undo and keep the base: tenon unapply --base brings it back")
        }
        let known = binding.needsDigests ? cache?.digests(of: base) : nil
        if let known {
            // What passes is hashed all the same: it may not be what was read before.
            _ = try binding.end(BaseFingerprint(of: base, data: known), plan.entryTargets)
        }
        let files = try self.files(adapters, plan, base)
        _ = try files.isFile(at: output, of: base)
        times.end("plan")
        var report = Report(
            files: files.names, byteCount: files.shards.byteCount, tensorCount: base.tensors.count,
            changedCount: plan.changed.count, changedWeights: plan.changedWeights, rounding: nil,
            resultRoot: nil, undoBytes: nil, checked: binding.checked(hasEnded: known != nil), findings: findings,
            memoryBytes: Outputs.memory(lanes: lanes) + plan.memory(lanes: lanes), times: times)
        try checkMemory(report.memoryBytes, plan)
        if isDryRun { return report }

        let promised = promisedRoot(adapters)
        let needsResult = takesResultRoot || undoPath != nil || promised != nil
        var undoBytes: Int?
        let writer = ResultWriter(
            lanes: lanes, replaces: replaces, keeping: (key: key(adapters, base, files), resumes: resumes))
        let written = try writer.write(
            files, plan.tensors, from: watch, to: output,
            taking: needsResult ? .baseAndResult : binding.needsDigests ? .base : .none, times: &times
        ) { proof, times throws(Failure) in
            cache?.keep(proof.data, of: base)
            findings += try binding.end(proof.base, plan.entryTargets)
            if let promised, let result = proof.result {
                try Self.check(result, is: promised, adapters[0], plan, base)
            }
            times.end("verify")
            guard let undoPath, let result = proof.result else { return nil }
            let correction = Correction(plan: plan, watch: watch, adapters: adapters, check: check)
            let (file, byteCount) = try writeUndo(correction, proof.base, result.leaves, to: undoPath, left: left)
            undoBytes = byteCount
            times.end("undo")
            return file
        }
        if written.finishedCount > 0 {
            findings.append(
                Finding(
                    "resumed",
                    "\(written.finishedCount) files were finished before; what rounding lost is told of the rest"))
        }
        report.rounding = promised == nil ? plan.tally.report : nil
        report.resultRoot = written.proof?.result?.root
        report.undoBytes = undoBytes
        report.checked = binding.checked(hasEnded: true)
        report.findings = findings
        report.times = times
        return report
    }

    /// Throws ``Failure/Code/outOfMemory`` where some tensors cannot be computed in pieces small enough.
    private func checkMemory(_ needed: Int, _ plan: ResultPlan) throws(Failure) {
        guard let memoryByteCount, needed > memoryByteCount, let largest = plan.largestHeld(lanes: lanes) else {
            return
        }
        throw Failure(
            .outOfMemory, "a tensor cannot be computed in small pieces with these adapters", object: largest,
            expected: "at most \(ByteSize.text(memoryByteCount))", actual: ByteSize.text(needed),
            hint: "--memory \((needed + (1 << 20) - 1) >> 20)M, or fewer --threads")
    }

    // MARK: The correction

    private func checkUndo(_ adapters: [WeightedAdapter], _ output: String) throws(Failure) {
        guard let undoPath else { return }
        guard !Paths.areSame(undoPath, output) else {
            throw Failure(.usage, "the correction and the result cannot be at one place", path: output)
        }
        guard dtype == nil else {
            throw Failure(.usage, "a result in another dtype cannot be undone", hint: "leave out --dtype or --undo")
        }
        if let delta = adapters.first(where: { $0.adapter.isCheckpointDelta }) {
            throw Failure(
                .usage, "a delta of checkpoints needs no correction", object: delta.path,
                hint: "extract the delta that leads back: --base the result, --tuned the base")
        }
    }

    /// The correction that an interrupted run had put in its place, where one is to be gone on with.
    ///
    /// Throws ``Failure/Code/outputExists`` for anything else that is there.
    private func leftCorrection(_ adapters: [WeightedAdapter]) throws(Failure) -> Digest? {
        guard let undoPath, resumes, !replaces, let kind = try? Folder.kind(of: undoPath) else { return nil }
        guard kind == .file, let container = try? Container(InputFile(path: undoPath)),
            let list = try? Correction.adapters(of: container.adapter),
            list.elementsEqual(adapters, by: { $0.contentDigest == "\($1.contentDigest)" && $0.weight == $1.weight })
        else { throw Self.undoExists(undoPath) }
        return container.indexDigest
    }

    private static func undoExists(_ path: String) -> Failure {
        Failure(.outputExists, "the output is there already", path: path, hint: "--force replaces it")
    }

    /// - Parameter left: What an interrupted run wrote in its place; another one is not replaced.
    private func writeUndo(
        _ correction: Correction, _ base: BaseFingerprint, _ leaves: [Digest], to path: String, left: Digest?
    ) throws(Failure) -> (file: OutputFile, byteCount: Int) {
        let file = try OutputFile.create(at: path, replacing: replaces || left != nil)
        let adapter = try correction.adapter(base: base, merged: leaves)
        let trailer = try ContainerWriter(lanes: lanes).write(adapter, to: file)
        guard left == nil || left == trailer.indexDigest else { throw Self.undoExists(path) }
        return (file, Int(trailer.fileSize))
    }

    // MARK: Files

    /// What the result's bytes depend on: the base's files as they lie there, and all that is put onto them.
    private func key(_ adapters: [WeightedAdapter], _ base: Checkpoint, _ files: OutputPlan) -> String {
        var hash = SHA256()
        hash.update(domain: "tenon.apply.v1")
        for shard in base.shards {
            hash.update(lengthPrefixed: Array("\(shard.name) \(shard.file.identityText)".utf8))
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
        return try OutputPlan(
            following: base, plan.tensors, shardByteCount: shardByteCount, config: plan.config)
    }

    /// The root that a lossless delta promises, where it is applied alone and as it is.
    private func promisedRoot(_ adapters: [WeightedAdapter]) -> String? {
        guard adapters.count == 1, dtype == nil, adapters[0].adapter.isCheckpointDelta else { return nil }
        return adapters[0].adapter.parameters["result_root"]?.string
    }

    /// Throws ``Failure/Code/digestMismatch`` where a lossless delta did not give what it promises.
    private static func check(
        _ result: (leaves: [Digest], root: Digest), is promised: String, _ delta: WeightedAdapter, _ plan: ResultPlan,
        _ base: Checkpoint
    ) throws(Failure) {
        guard promised != "\(result.root)" else { return }
        let expected = Dictionary(
            delta.adapter.entries.compactMap { entry in
                entry.binding?.resultLeaf.map { (ExactKey(entry.key.target), $0) }
            }, uniquingKeysWith: { $1 })
        let wrong = zip(plan.tensors, result.leaves).first { tensor, leaf in
            expected[ExactKey(tensor.name)].map { $0 != leaf } ?? false
        }
        throw Failure(
            .digestMismatch, "the result is not the checkpoint that the delta promises", object: wrong?.0.name,
            path: base.path, expected: "root \(promised)", actual: "\(result.root)",
            hint: "the base is another one, or one of the files is damaged")
    }
}
