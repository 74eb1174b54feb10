import Adapters
import Checkpoints
import Diagnostics
import Digests
import Tensors

/// The delta that takes adapters off again: what arithmetic cannot tell of the tensors that they changed.
struct Correction {
    /// The record of a container that holds one.
    static let stage = "correction"

    let plan: ResultPlan
    let watch: BaseWatch
    let adapters: [WeightedAdapter]
    /// How the base was checked when they were put on.
    let check: BaseCheck

    /// - Parameters:
    ///   - base: The fingerprint of what was before.
    ///   - merged: The leaves of what came of it, in the order of the plan's tensors.
    func adapter(base: BaseFingerprint, merged: [Digest]) throws(Failure) -> Adapter {
        var entries: [AdapterEntry] = []
        // The base passes once more, unseen by the watch.
        let unseen = BaseWatch(watch.base, isWatching: false)
        for (number, tensor) in plan.tensors.enumerated() {
            guard let updates = plan.updates[tensor.name], let place = watch.base.index(of: tensor.name)
            else {
                continue
            }
            let source = watch.base.tensors[place].source
            let result = try UpdatedTensor(
                .init(watch: unseen, number: place), updates: updates, dtype: source.dtype, tally: nil)
            let predicted = try PredictedTensor(merged: result, updates: updates, name: tensor.name)
            entries.append(
                AdapterEntry(
                    key: EntryKey(tensor.name, .correction),
                    tensors: [RoleTensor(.value, PlainDifference(base: predicted, tuned: source))],
                    binding: EntryBinding(base: 0, baseLeaf: merged[number], resultLeaf: base.leaves[place])))
        }
        let reference = BaseReference(
            root: MerkleTree.root(of: merged), headerDigest: base.headerDigest, tensorCount: merged.count,
            byteCount: base.byteCount)
        let list = adapters.map { one in
            ParameterValue.list([.string("\(one.contentDigest)"), .number(one.weight)])
        }
        var parameters: Parameters = [
            "result_root": .string("\(base.root)"), "stage": .string(Self.stage), "adapters": .list(list),
        ]
        if check != .strict { parameters["base_check"] = .string(check.rawValue) }
        return Adapter(
            method: Method.delta.word, parameters: parameters, entries: entries, bases: [reference])
    }

    /// The adapters that a correction undoes, by their content digests, with their weights.
    ///
    /// Throws ``Failure/Code/badParameter`` for a delta that is none.
    static func adapters(of correction: Adapter) throws(Failure) -> [(contentDigest: String, weight: Double)] {
        guard correction.parameters["stage"]?.string == stage, let list = correction.parameters["adapters"]?.list else {
            throw Failure(
                .badParameter, "the file holds no correction", hint: "apply writes one with --undo")
        }
        return try list.map { member throws(Failure) in
            guard let pair = member.list, pair.count == 2, let digest = pair[0].string, let weight = pair[1].double
            else {
                throw Failure(.badParameter, "the correction does not say what it undoes")
            }
            return (digest, weight)
        }
    }
}
