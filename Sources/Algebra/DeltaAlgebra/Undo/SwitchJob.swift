import Adapters
package import Checkpoints
package import Diagnostics
import Digests
import JSON
import Packaging
package import Parallelism
import Tensors

/// Exchanges merged adapters for others: only the tensors of either are computed, all others are copied.
package struct SwitchJob: Sendable {
    package var lanes: Lanes
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// Writes `base` with the adapters `new` on it, copying from `merged`, which is `base` with the adapters `old`.
    ///
    /// Throws ``Failure/Code/baseMismatch`` where `merged` is not that, with the first tensor that is not.
    package func run(
        merged: Checkpoint, base: Checkpoint, from old: [WeightedAdapter], to new: [WeightedAdapter], output: String
    ) throws(Failure) -> UnapplyJob.Report {
        try Self.check(old + new)
        try Outputs.checkApart(output, from: base.paths + (old + new).map(\.path))
        try Outputs.checkFree(output, replaces: replaces)
        try MergedCheck(lanes: lanes).check(merged, is: old, on: base)
        let binding = BindingCheck(mode: .strict, base: base, adapters: new, lanes: lanes)
        let findings = merged.findings + base.findings + (try binding.begin())
        let unseen = BaseWatch(base, isWatching: binding.needsDigests)
        let before = try ResultPlan(old, onto: BaseWatch(base, isWatching: false), dtype: nil)
        let after = try ResultPlan(new, onto: unseen, dtype: nil)
        for plan in [before, after] { try Self.checkModules(plan) }
        let changed = Set(before.changed.keys).union(after.changed.keys)
        let watch = BaseWatch(merged)
        let tensors = after.tensors.map { tensor in
            guard !changed.contains(ExactKey(tensor.name)), let number = merged.index(of: tensor.name) else {
                return ResultTensor(name: tensor.name, source: tensor.source)
            }
            return ResultTensor(
                name: tensor.name, source: WatchedBaseTensor(watch: watch, number: number), copyOf: number)
        }
        return try ResultWriter(lanes: lanes, replaces: replaces).exchange(
            tensors, changed: changed.count, from: watch, findings: findings, output: output, isDryRun: isDryRun
        ) { _ throws(Failure) in
            guard binding.needsDigests else { return }
            let fingerprint = BaseFingerprint(of: base, data: try unseen.digests(lanes: lanes))
            _ = try binding.end(fingerprint, after.entryTargets)
        }
    }

    /// The same without the base: the tensors that `old` changed come back by the correction that `apply` wrote.
    ///
    /// Throws as ``UnapplyJob`` does, and ``Failure/Code/baseMismatch`` where the base that came back is not the one
    /// that the adapters `new` are bound to.
    package func run(
        merged: Checkpoint, correction: WeightedAdapter, from old: [WeightedAdapter], to new: [WeightedAdapter],
        output: String
    ) throws(Failure) -> UnapplyJob.Report {
        try Self.check(old + new)
        try Outputs.checkApart(output, from: (old + new + [correction]).map(\.path))
        let restoration = try Restoration(of: merged, by: correction, undoing: old, lanes: lanes) { number in
            merged.tensors[number].source
        }
        let binding = BindingCheck(mode: .strict, base: merged, adapters: new, lanes: lanes)
        let findings = merged.findings + restoration.findings + (try binding.begin())
        let watch = BaseWatch(merged, restored: restoration.tensors)
        let plan = try ResultPlan(new, onto: watch, dtype: nil)
        try Self.checkModules(plan)
        let restored = restoration.tensors.keys.sorted()
        let changed = Set(restored.map { ExactKey(merged.tensors[$0].name) }).union(plan.changed.keys)
        return try ResultWriter(lanes: lanes, replaces: replaces).exchange(
            plan.tensors, changed: changed.count, from: watch, findings: findings, output: output, isDryRun: isDryRun
        ) { proof throws(Failure) in
            // What passed was the base; of the merged checkpoint the tensors are missing that were not copied.
            var data = proof.data
            let own = try DataDigests.take(of: restored.map { merged.tensors[$0].source }, lanes: lanes)
            for (number, digest) in zip(restored, own) { data[number] = digest }
            try restoration.check(BaseFingerprint(of: merged, data: data), root: proof.base.root)
            _ = try binding.end(proof.base, plan.entryTargets)
        }
    }

    /// Throws ``Failure/Code/usage`` where an adapter brings modules along: the model is of another class with them.
    private static func checkModules(_ plan: ResultPlan) throws(Failure) {
        guard let first = plan.made.first ?? plan.config.map({ _ in HeadConfig.name }) else { return }
        throw Failure(
            .usage, "an adapter brings a module or classes along that the base lacks, and so cannot be exchanged",
            object: first,
            hint: "tenon apply puts the other onto the base")
    }

    private static func check(_ adapters: [WeightedAdapter]) throws(Failure) {
        guard let delta = adapters.first(where: \.adapter.isCheckpointDelta) else { return }
        throw Failure(
            .usage, "a delta of checkpoints is no adapter that could be exchanged", object: delta.path,
            hint: "tenon apply puts it onto its base")
    }
}
