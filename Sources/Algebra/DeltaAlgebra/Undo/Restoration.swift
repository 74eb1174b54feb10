import Adapters
import Checkpoints
import Diagnostics
import Digests
import Parallelism
import Tensors

/// A base that comes back from a merged checkpoint by the correction that `apply` wrote.
struct Restoration: Sendable {
    /// The tensors that were changed, as they were before, by their numbers in the merged checkpoint.
    let tensors: [Int: any TensorSource]
    let findings: [Finding]
    private let merged: Checkpoint
    private let correction: Adapter
    private let binding: BindingCheck

    /// - Parameters:
    ///   - adapters: Those that are merged, in the order in which they were applied; the correction knows their weights.
    ///   - source: Where a tensor of the merged checkpoint is read from.
    ///
    /// Throws ``Failure/Code/baseMismatch`` where the correction undoes other adapters.
    init(
        of merged: Checkpoint, by correction: WeightedAdapter, undoing adapters: [WeightedAdapter], lanes: Lanes,
        source: (Int) -> any TensorSource
    ) throws(Failure) {
        self.merged = merged
        self.correction = correction.adapter
        let weighted = try Self.weighted(adapters, correction)
        binding = BindingCheck(mode: .strict, base: merged, adapters: [correction], lanes: lanes)
        findings = try binding.begin()
        let updates = try ResultPlan(weighted, onto: BaseWatch(merged, isWatching: false), dtype: nil).updates
        var tensors: [Int: any TensorSource] = [:]
        for entry in correction.adapter.entries where entry.key.kind == .correction {
            guard let value = entry[.value], let number = merged.index(of: entry.key.target) else { continue }
            let name = merged.tensors[number].name
            let predicted: any TensorSource =
                if let updates = updates[name] {
                    try PredictedTensor(merged: source(number), updates: updates, name: name)
                } else { source(number) }
            tensors[number] = try CorrectedTensor(base: predicted, difference: value)
        }
        self.tensors = tensors
    }

    /// Throws ``Failure/Code/baseMismatch`` where the merged checkpoint is another one than the correction is for,
    /// ``Failure/Code/digestMismatch`` where the base did not come back.
    ///
    /// - Parameter root: That of what came back.
    func check(_ found: BaseFingerprint, root: Digest?) throws(Failure) {
        do throws(Failure) {
            _ = try binding.end(found, [EntryTargets(correction, [], BaseTargets(merged))])
        } catch {
            throw Failure(
                .baseMismatch, "the merged checkpoint is not the one that the correction was written for",
                object: error.object, path: merged.path, expected: error.expected,
                hint: "other adapters are in it, or none, or it was changed since")
        }
        let promised = correction.parameters["result_root"]?.string
        guard let root, promised == "\(root)" else {
            throw Failure(
                .digestMismatch, "the base did not come back", path: merged.path,
                expected: "root \(promised ?? "none")", actual: root.map { "\($0)" },
                hint: "one of the files is damaged, or another adapter was taken off")
        }
    }

    /// The adapters with the weights they were applied with.
    private static func weighted(
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
