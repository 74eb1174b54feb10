import Architectures
import Diagnostics

extension Method {
    /// The element-wise product of two low-rank matrices.
    ///
    /// ΔW = (α/r)·(w1_a·w1_b) ⊙ (w2_a·w2_b), each w_a [out, r], w_b [r, in]. Where convolutions are factored too
    /// (`use_effective_conv2d`), each product is Σ_ij t[i, j, ·, ·]·w_b[j, ·]·w_a[i, ·] with t [r, r, kh, kw], w_a [r, out].
    package static let loha = Method(
        word: "loha", name: "LoHa",
        kinds: [.hadamard, .bias, .full],
        config: ConfigKey.lycorisKeys,
        mergeability: .dense,
        formula: "W' = W + (alpha/r)·(w1_a·w1_b) ⊙ (w2_a·w2_b)",
        source:
            "Hyeon-Woo et al., FedPara: Low-Rank Hadamard Product for Communication-Efficient Federated Learning, 2021",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            return try input.size(
                groups,
                added: groups.map { group in
                    group.tensors(
                        ["w1", "w2"].flatMap {
                            [
                                TensorShape($0 + "_a", [group.out, group.r]),
                                TensorShape($0 + "_b", [group.r, group.in]),
                            ]
                        })
                })
        })
}

extension ConfigKey {
    /// What the methods that came from LyCORIS have in common.
    static let lycorisKeys: [ConfigKey] =
        [
            ConfigKey("r", 8, .count),
            ConfigKey("alpha", 8, .number),
            ConfigKey("rank_pattern", .map([])),
            ConfigKey("alpha_pattern", .map([])),
            ConfigKey("use_effective_conv2d", false),
            dropout("rank_dropout"),
            dropout("module_dropout"),
            ConfigKey(
                "init_weights", true,
                effect: .except(
                    [true, false, .null, "lycoris"], why: "these start the factors and leave the base as it is")),
        ] + targets
}
