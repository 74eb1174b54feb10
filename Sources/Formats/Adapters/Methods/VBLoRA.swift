import Architectures
import Diagnostics

extension Method {
    /// Low-rank factors put together from a bank of vectors that all modules share.
    ///
    /// Each piece of A and B is Σ_j softmax(top k of the logits)_j·bank[j], bank [h, b]: logits_a [r, in/b, h], logits_b
    /// [out/b, r, h]; ΔW = B·A. With `save_only_topk_weights` the k places and k − 1 weights are stored in place of the
    /// logits, the last weight being one minus the rest.
    package static let vblora = Method(
        word: "vblora", name: "VB-LoRA",
        kinds: [.vectorBank, .shared, .bias, .full],
        config: [
            ConfigKey("r", 4, .count),
            ConfigKey("num_vectors", 256, .count),
            ConfigKey("vector_length", 256, .count),
            ConfigKey("topk", 2, .count),
            ConfigKey("save_only_topk_weights", false),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            ConfigKey.dropout("vblora_dropout"),
            ConfigKey("init_vector_bank_bound", 0.02, noEffect: "starts the bank, which is stored"),
            ConfigKey("init_logits_std", 0.1, noEffect: "starts the logits, which are stored"),
        ] + ConfigKey.targets,
        mergeability: .lowRank,
        formula: "W' = W + B·A, pieces of both: Σ softmax(topk(logits))·bank",
        source: "Li et al., VB-LoRA: Extreme Parameter Efficient Fine-Tuning with Vector Banks, 2024",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            let length = try input.count("vector_length")
            let chosen = try input.count("topk")
            let vectors = Formula.quantity("h", try input.count("num_vectors"))
            for group in groups where length == 0 || group.inputs % length != 0 || group.outputs % length != 0 {
                throw Failure(
                    .badParameter, "vectors of this length do not divide a layer", object: group.name,
                    actual: "\(length)")
            }
            func pieces(_ names: [String], _ last: Formula) -> [TensorGroup] {
                groups.map { group in
                    let a: [Formula] = [group.r, .quantity("in/b", group.inputs / length), last]
                    let b: [Formula] = [.quantity("out/b", group.outputs / length), group.r, last]
                    return group.tensors(zip(names, [a, b]).map { TensorShape($0, $1) })
                }
            }
            let bank = TensorGroup("shared", [TensorShape("bank", [vectors, .quantity("b", length)])])
            var size = try input.size(groups, added: [bank] + pieces(["logits_a", "logits_b"], vectors))
            if input.flag("save_only_topk_weights") {
                size.stored = [bank] + pieces(["weights_a", "weights_b"], .quantity("k-1", max(0, chosen - 1)))
                size.indices = pieces(["indices_a", "indices_b"], .quantity("k", chosen))
            }
            return size
        },
        check: { adapter throws(Failure) in try adapter.requireShared([.bank]) })
}
