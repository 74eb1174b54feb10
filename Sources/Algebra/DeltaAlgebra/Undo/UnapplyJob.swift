import Adapters
package import Checkpoints
package import Diagnostics
package import Digests
import Files
package import Packaging
package import Parallelism
import Tensors

/// Takes adapters off a merged checkpoint again, and proves by digest that the base came back.
package struct UnapplyJob: Sendable {
    package struct Report: Sendable {
        package let files: [String]
        package let byteCount: Int
        package let tensorCount: Int
        package let changedCount: Int
        package let resultRoot: Digest
        package let findings: [Finding]
        package let memoryBytes: Int
        package let times: StageTimes
    }

    package var lanes: Lanes
    package var replaces = false
    package var isDryRun = false

    package init(lanes: Lanes) {
        self.lanes = lanes
    }

    /// By the correction that `apply` wrote.
    ///
    /// Throws ``Failure/Code/baseMismatch`` where the merged checkpoint or an adapter is another one than the correction
    /// is for, ``Failure/Code/digestMismatch`` where the base does not come back.
    package func run(
        _ adapters: [WeightedAdapter], merged: Checkpoint, correction: WeightedAdapter, output: String
    ) throws(Failure) -> Report {
        let weighted = try matched(adapters, correction)
        let binding = BindingCheck(mode: .strict, base: merged, adapters: [correction], lanes: lanes)
        let findings = merged.findings + (try binding.begin())
        let watch = BaseWatch(merged)
        let plan = try ResultPlan(weighted, onto: watch, dtype: nil)
        var values: [String: any TensorSource] = [:]
        for entry in correction.adapter.entries where entry.key.kind == .correction {
            values[entry.key.target] = entry[.value]
        }
        var tensors: [ResultTensor] = []
        for (number, tensor) in merged.tensors.enumerated() {
            let source = WatchedBaseTensor(watch: watch, number: number)
            guard let value = values[tensor.name] else {
                tensors.append(ResultTensor(name: tensor.name, source: source, copyOf: number))
                continue
            }
            let predicted: any TensorSource =
                if let updates = plan.updates[tensor.name] {
                    try PredictedTensor(merged: source, updates: updates, name: tensor.name)
                } else { source }
            tensors.append(
                ResultTensor(name: tensor.name, source: try CorrectedTensor(base: predicted, difference: value)))
        }
        let promised = correction.adapter.parameters["result_root"]?.string
        let writer = ResultWriter(lanes: lanes, replaces: replaces, isDryRun: isDryRun)
        return try writer.write(
            tensors, changedCount: values.count, watch, findings: findings, output: output
        ) { base, root throws(Failure) in
            do throws(Failure) {
                _ = try binding.end(base, [EntryTargets(correction.adapter, [], BaseTargets(merged))])
            } catch {
                throw Failure(
                    .baseMismatch, "the merged checkpoint is not the one that the correction was written for",
                    object: error.object, path: merged.path, expected: error.expected,
                    hint: "other adapters are in it, or none, or it was changed since")
            }
            guard promised == "\(root)" else {
                throw Failure(
                    .digestMismatch, "the base did not come back", path: merged.path,
                    expected: "root \(promised ?? "none")", actual: "\(root)",
                    hint: "one of the files is damaged, or another adapter was taken off")
            }
        }
    }

    /// By the base itself: what comes is the base's tensors, if the merged checkpoint is what the adapters make of them.
    package func run(
        _ adapters: [WeightedAdapter], merged: Checkpoint, base: Checkpoint, output: String
    ) throws(Failure) -> Report {
        try MergedCheck(lanes: lanes).check(merged, is: adapters, on: base)
        let watch = BaseWatch(base)
        let tensors = base.tensors.indices.map { number in
            ResultTensor(
                name: base.tensors[number].name, source: WatchedBaseTensor(watch: watch, number: number),
                copyOf: number)
        }
        let changed = try ResultPlan(adapters, onto: watch, dtype: nil).changed.count
        let writer = ResultWriter(lanes: lanes, replaces: replaces, isDryRun: isDryRun)
        return try writer.write(
            tensors, changedCount: changed, watch, findings: base.findings, output: output
        ) { _, _ throws(Failure) in }
    }

    /// The adapters with the weights they were applied with, in that order.
    private func matched(
        _ adapters: [WeightedAdapter], _ correction: WeightedAdapter
    ) throws(Failure) -> [WeightedAdapter] {
        let wanted = try Correction.adapters(of: correction.adapter)
        guard wanted.count == adapters.count else {
            throw Failure(
                .baseMismatch, "the correction undoes another number of adapters", path: correction.path,
                expected: "\(wanted.count)", actual: "\(adapters.count)")
        }
        return try zip(wanted, adapters).map { wanted, adapter throws(Failure) in
            guard wanted.contentDigest == "\(adapter.contentDigest)" else {
                throw Failure(
                    .baseMismatch, "the correction undoes another adapter", object: adapter.path,
                    path: correction.path, expected: "content \(wanted.contentDigest)",
                    actual: "\(adapter.contentDigest)")
            }
            return adapter.weighing(wanted.weight)
        }
    }
}
