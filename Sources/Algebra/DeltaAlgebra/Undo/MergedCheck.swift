import Checkpoints
import Diagnostics
import Digests
import Parallelism
import Tensors

/// Whether a merged checkpoint is what adapters make of a base.
struct MergedCheck: Sendable {
    let lanes: Lanes

    /// Throws ``Failure/Code/baseMismatch`` naming the first tensor that is not.
    func check(_ merged: Checkpoint, is adapters: [WeightedAdapter], on base: Checkpoint) throws(Failure) {
        let plan = try ResultPlan(adapters, onto: BaseWatch(base, isWatching: false), dtype: nil)
        var pairs: [(name: String, ours: any TensorSource, theirs: any TensorSource)] = []
        for tensor in plan.tensors {
            guard let other = merged[tensor.name], other.dtype == tensor.source.dtype,
                other.shape == tensor.source.shape
            else { throw mismatch(tensor.name, merged) }
            pairs.append((tensor.name, tensor.source, other.source))
        }
        guard pairs.count == merged.tensors.count else {
            let more = merged.tensors.first { tensor in base[tensor.name] == nil }
            throw mismatch(more?.name ?? merged.path, merged)
        }
        let ours = try DataDigests.take(of: pairs.map(\.ours), lanes: lanes)
        let theirs = try DataDigests.take(of: pairs.map(\.theirs), lanes: lanes)
        for (number, pair) in pairs.enumerated() where ours[number] != theirs[number] {
            throw mismatch(pair.name, merged)
        }
    }

    private func mismatch(_ name: String, _ merged: Checkpoint) -> Failure {
        Failure(
            .baseMismatch, "the merged checkpoint is not what these adapters make of this base", object: name,
            path: merged.path, hint: "other adapters, other weights, another base, or merged by another tool")
    }
}
