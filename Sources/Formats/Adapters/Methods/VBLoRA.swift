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
        check: { adapter throws(Failure) in try adapter.requireShared([.bank]) })
}
