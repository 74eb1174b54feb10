extension Method {
    /// A product of block-diagonal rotations between butterfly permutations, with a scale per output.
    ///
    /// W' = (W·Rotᵀ) ⊙ s, Rot = Π_i P_i·diag(R_i1 … R_ib)·P_iᵀ, `rotation` [m, blocks, b, b], s [out, 1]. Each block Q is
    /// used through its skew part S = (Q − Qᵀ)/2 as R = (I − S)(I + S)⁻¹. The permutations follow from the shape.
    package static let boft = Method(
        word: "boft", name: "BOFT",
        kinds: [.butterfly, .bias, .full],
        config: [
            ConfigKey("boft_block_size", 4, .natural),
            ConfigKey("boft_block_num", 0, .natural),
            ConfigKey("boft_n_butterfly_factor", 1, .natural),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            ConfigKey.dropout("boft_dropout"),
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets,
        mergeability: .dense,
        formula: "W' = (W·Rotᵀ) ⊙ s, Rot = Π P_i·diag(R_i)·P_iᵀ",
        source: "Liu et al., Parameter-Efficient Orthogonal Finetuning via Butterfly Factorization, 2023")
}
