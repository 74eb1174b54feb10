import Adapters
package import Checkpoints
package import Diagnostics
import Digests
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
        if let delta = (old + new).first(where: \.adapter.isCheckpointDelta) {
            throw Failure(
                .usage, "a delta of checkpoints is no adapter that could be exchanged", object: delta.path,
                hint: "tenon apply puts it onto its base")
        }
        try Outputs.checkApart(output, from: base.paths)
        try Outputs.checkFree(output, replaces: replaces)
        try MergedCheck(lanes: lanes).check(merged, is: old, on: base)
        let binding = BindingCheck(mode: .strict, base: base, adapters: new, lanes: lanes)
        let findings = merged.findings + base.findings + (try binding.begin())
        let unseen = BaseWatch(base, isWatching: binding.needsDigests)
        let before = try ResultPlan(old, onto: BaseWatch(base, isWatching: false), dtype: nil)
        let after = try ResultPlan(new, onto: unseen, dtype: nil)
        let watch = BaseWatch(merged)
        let tensors = try after.tensors.map { tensor throws(Failure) in
            guard before.changed[tensor.name] == nil, after.changed[tensor.name] == nil,
                let number = merged.index(of: tensor.name)
            else { return ResultTensor(name: tensor.name, source: tensor.source) }
            return ResultTensor(
                name: tensor.name, source: WatchedBaseTensor(watch: watch, number: number), copyOf: number)
        }
        let changed = Set(before.changed.keys).union(after.changed.keys).count
        let writer = ResultWriter(lanes: lanes, replaces: replaces, isDryRun: isDryRun)
        return try writer.write(
            tensors, changedCount: changed, watch, findings: findings, output: output
        ) { _, _ throws(Failure) in
            guard binding.needsDigests else { return }
            let fingerprint = BaseFingerprint(of: base, data: try unseen.digests(lanes: lanes))
            _ = try binding.end(fingerprint, after.entryTargets)
        }
    }
}
