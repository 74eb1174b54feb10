extension Method {
    /// Embeddings of virtual tokens that a small network made; its output is what is stored: value [n·submodules, d].
    package static let pTuning = Method(
        word: "p-tuning", name: "P-tuning",
        kinds: [.prompt, .full],
        config: ConfigKey.virtualTokens + [
            ConfigKey("encoder_reparameterization_type", "MLP"),
            ConfigKey("encoder_hidden_size", .null, .count),
            ConfigKey("encoder_num_layers", 2, .count),
            ConfigKey.dropout("encoder_dropout"),
        ],
        mergeability: .none(why: "it adds tokens to the input"),
        formula: "X' = [P; X]",
        source: "Liu et al., GPT Understands, Too, 2021")
}
