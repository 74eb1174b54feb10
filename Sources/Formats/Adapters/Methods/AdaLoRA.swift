import Architectures
import Diagnostics

extension Method {
    /// Low-rank factors with a vector of singular values, pruned while training.
    ///
    /// ΔW = s·B·(E ⊙ A), A [r, in], B [out, r], E [r, 1], s = α/(init_r + 10⁻⁵). Singular values
    /// that the budget took away are not stored, so that r differs between modules and may be zero.
    package static let adalora = Method(
        word: "adalora", name: "AdaLoRA",
        kinds: [.adalora, .rows, .bias, .full],
        config: ConfigKey.loraKeys + [
            ConfigKey("rank_pattern"),
            ConfigKey("init_r", 12, .count),
            ConfigKey("target_r", 8, .count),
            ConfigKey("tinit", 0, noEffect: "when pruning begins, while training"),
            ConfigKey("tfinal", 0, noEffect: "when pruning ends, while training"),
            ConfigKey("deltaT", 1, noEffect: "how often to prune, while training"),
            ConfigKey("beta1", 0.85, noEffect: "smooths sensitivity while training"),
            ConfigKey("beta2", 0.85, noEffect: "smooths uncertainty while training"),
            ConfigKey("orth_reg_weight", 0.5, noEffect: "weighs a term of the loss while training"),
            ConfigKey("total_step", noEffect: "how long training lasts"),
        ],
        mergeability: .lowRank,
        formula: "W' = W + s·B·(E ⊙ A), s = alpha/(init_r + 1e-5)",
        source: "Zhang et al., AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning, 2023",
        sizing: Sizing(rankKey: "init_r") { input throws(Failure) in
            // Before pruning, which takes none away while training.
            let groups = try input.groups(rankKey: "init_r")
            return try input.size(
                groups,
                added: groups.map { group in
                    group.tensors([
                        TensorShape("A", [group.r, group.in]), TensorShape("B", [group.out, group.r]),
                        TensorShape("E", [group.r, 1]),
                    ])
                })
        })
}
