import Adapters
import Checkpoints
package import Diagnostics
import Digests
import Files
import JSON
package import Packaging
package import Parallelism
import Tensors

/// Writes the checkpoint that a ``MergePlan`` describes: `Spec/merge.md`.
package struct MergeJob: Sendable {
    package struct Report: Sendable {
        package let files: [String]
        package let byteCount: Int
        package let tensorCount: Int
        /// Tensors that are computed, and not only copied.
        package let mergedCount: Int
        package var findings: [Finding]
        package let memoryBytes: Int
        package var times: StageTimes
    }

    /// As many as ``memoryByteCount`` has room for.
    package var lanes: Lanes
    /// What blocks, tables and adapters may take together; nil for any amount.
    package var memoryByteCount: Int?
    /// Data of a shard at most.
    package var shardByteCount = ShardPlan.usualShardByteCount
    package var replaces = false
    /// Go on with what an interrupted run left.
    package var resumes = false
    package var isDryRun = false
    /// Merge tensors with infinities and NaNs: such an element of any model becomes a NaN of the result.
    package var allowsUnusable = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes the result to the folder `output`.
    ///
    /// Memory: for each lane the elements of one block of every model, and what adapters need that are applied on the
    /// way. Throws ``Failure/Code/outputExists`` where an interrupted run left work that is neither to be gone on with nor
    /// replaced, ``Failure/Code/modelsIncompatible``, ``Failure/Code/recipeInvalid``, ``Failure/Code/notFinite``, and
    /// what reading and writing throw; then nothing is left behind but what can be resumed.
    package func run(_ plan: MergePlan, to output: String) throws(Failure) -> Report {
        var times = StageTimes()
        try Outputs.checkApart(output, from: plan.models.flatMap { $0.checkpoint.paths + $0.adapters.map(\.path) })
        try Outputs.checkFree(output, replaces: replaces)
        if !replaces, !resumes {
            try OutputFolder.checkNoneInterrupted(at: output)
        }
        let lanes = try fittingLanes(plan)
        let sources = try plan.tensors.map { tensor throws(Failure) in try source(of: tensor) }
        let shards = try ShardPlan(
            zip(plan.tensors, sources).map { ($0.name, $1.dtype, $1.shape) }, maximumShardByteCount: shardByteCount)
        times.end("plan")
        var report = Report(
            files: shards.files.map(\.name) + (shards.index.map { [$0.name] } ?? []) + plan.files.copied
                + plan.files.written.map(\.name),
            byteCount: shards.byteCount, tensorCount: plan.tensors.count,
            mergedCount: plan.tensors.count(where: \.isMerged), findings: plan.findings,
            memoryBytes: memory(plan, lanes), times: times)
        if isDryRun { return report }
        let folder = try OutputFolder.createResumable(
            at: output, replacing: replaces, key: try key(plan, shards), resuming: resumes)
        try CheckpointWriter.write(shards, sources: sources, to: folder, lanes: lanes)
        for name in plan.files.copied { try copy(name, from: plan.files.folder, to: folder) }
        for file in plan.files.written {
            let written = try folder.file(named: file.name)
            try unsafe written.write(file.bytes.span.bytes)
            try written.commit()
        }
        times.end("write")
        for model in plan.models { try model.checkpoint.checkUnchanged() }
        try folder.commit()
        times.end("commit")
        if folder.finishedCount > 0 {
            report.findings.append(Finding("resumed", "\(folder.finishedCount) files were finished before"))
        }
        report.times = times
        return report
    }

    private func source(of tensor: MergedTensorPlan) throws(Failure) -> any TensorSource {
        switch tensor.content {
        case .merge(let merge, let method):
            return try MergedTensor(merge, by: method, dtype: tensor.dtype, allowsUnusable: allowsUnusable)
        case .copy(let source):
            guard source.dtype != tensor.dtype else { return source }
            let single =
                source.dtype == .f64
                ? SingleTensor(source, roundsToOdd: tensor.dtype != .f32) as any TensorSource : source
            guard single.dtype != tensor.dtype else { return single }
            guard FloatElements.canHold(single.dtype) else {
                throw Failure(
                    .modelsIncompatible, "a tensor of \(source.dtype.name) cannot become \(tensor.dtype.name)",
                    object: tensor.name, expected: "F64, F32, F16 or BF16")
            }
            return ConvertedTensor(single, to: tensor.dtype)
        }
    }

    private func copy(_ name: String, from source: String, to folder: OutputFolder) throws(Failure) {
        let input = try InputFile(path: Paths.joined(source, name))
        let output = try folder.file(named: name)
        for offset in stride(from: 0, to: input.size, by: 1 << 20) {
            try Cancellation.check()
            let bytes = try input.read(at: offset, count: min(1 << 20, input.size - offset))
            try unsafe output.write(bytes.span.bytes)
        }
        try input.checkUnchanged()
        try output.commit()
    }

    /// Blocks of all models in fp32, the tables that magnitudes are counted in, and the adapters' factors.
    private func memory(_ plan: MergePlan, _ lanes: Lanes) -> Int {
        let most = plan.tensors.reduce(0) { most, tensor in
            guard case .merge(let merge, let method) = tensor.content else { return most }
            let row = merge.inputs.first?.source.shape.dimensions.last ?? 1
            let block = max(MergeInputs.usualBlockElements, (try? method.merger(of: merge).needsRows) == true ? row : 0)
            return max(most, (merge.inputs.count + 4) * (block * 4 + 3 << 17))
        }
        return Outputs.memory(lanes: lanes) + lanes.count * most
            + plan.models.reduce(0) { $0 + $1.memory(lanes: lanes) }
    }

    /// Throws ``Failure/Code/outOfMemory`` where not even one lane has the room.
    private func fittingLanes(_ plan: MergePlan) throws(Failure) -> Lanes {
        guard let memoryByteCount else { return lanes }
        for count in (1...lanes.count).reversed() where memory(plan, Lanes(count: count)) <= memoryByteCount {
            return Lanes(count: count)
        }
        let needed = memory(plan, Lanes(count: 1))
        throw Failure(
            .outOfMemory, "the blocks of so many models do not fit",
            expected: "at most \(ByteSize.text(memoryByteCount))",
            actual: ByteSize.text(needed), hint: "--memory \((needed + (1 << 20) - 1) >> 20)M")
    }

    /// What the result's bytes depend on: the models' files as they lie there, and all that is made of them.
    private func key(_ plan: MergePlan, _ shards: ShardPlan) throws(Failure) -> String {
        var hash = SHA256()
        hash.update(domain: "tenon.merge.v1")
        // Which tensor is copied to where, and which rows are gathered.
        hash.update(lengthPrefixed: Array(plan.origin.utf8))
        for model in plan.models {
            for shard in model.checkpoint.shards {
                hash.update(lengthPrefixed: Array("\(shard.name) \(shard.file.identityText)".utf8))
            }
            // Vocabularies say which rows are gathered, and what lies beside one model is copied.
            for name in model.checkpoint.companions {
                let file = try InputFile(path: Paths.joined(model.checkpoint.folder, name))
                hash.update(lengthPrefixed: Array("\(name) \(file.identity)".utf8))
            }
            for one in model.adapters {
                hash.update(lengthPrefixed: Array("\(one.contentDigest) \(one.weight)".utf8))
            }
        }
        for tensor in plan.tensors { hash.update(lengthPrefixed: Array(tensor.recipe.utf8)) }
        hash.update(lengthPrefixed: Array("\(allowsUnusable)".utf8))
        for file in shards.files { hash.update(lengthPrefixed: file.headerBytes) }
        for file in plan.files.written { hash.update(lengthPrefixed: file.bytes) }
        return "\(hash.finish())"
    }
}

extension MergedTensorPlan {
    fileprivate var isMerged: Bool { if case .merge = content { true } else { false } }

    /// All that decides its numbers but for the models' own.
    fileprivate var recipe: String {
        guard case .merge(let merge, let method) = content else { return "\(name) copy" }
        let inputs = merge.inputs.map { "\($0.number) \($0.model) \($0.values.text)" }
        return ([name, method.word, merge.values.text, "\(merge.seed)", merge.base?.model ?? "-"] + inputs)
            .joined(separator: "\n")
    }
}
