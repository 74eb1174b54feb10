extension Method {
    /// The Kronecker product of two small matrices, each of which may be factored.
    ///
    /// ΔW = (α/r)·w1 ⊗ w2, w1 [l, m], w2 [k, n], out = l·k, in = m·n; w1 = w1_a·w1_b and w2 = w2_a·w2_b where factored,
    /// with inner dimension r.
    package static let lokr = Method(
        word: "lokr", name: "LoKr",
        kinds: [.kronecker, .bias, .full],
        config: ConfigKey.lycorisKeys + [
            ConfigKey("decompose_both", false),
            ConfigKey("decompose_factor", -1, .number),
            ConfigKey("rank_dropout_scale", false, noEffect: "acts only while training"),
        ],
        mergeability: .dense,
        formula: "W' = W + (alpha/r)·(w1 ⊗ w2)",
        source:
            "Edalati et al., KronA: Parameter Efficient Tuning with Kronecker Adapter, 2022; Yeh et al., LyCORIS, 2023")
}
