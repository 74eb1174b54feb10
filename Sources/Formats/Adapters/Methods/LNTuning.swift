extension Method {
    /// Norms trained whole: each stored tensor stands for the base's.
    package static let lnTuning = Method(
        word: "ln-tuning", name: "LN tuning",
        kinds: [.full],
        config: [
            ConfigKey("target_modules", isSet: true),
            ConfigKey("exclude_modules", isSet: true),
            ConfigKey("modules_to_save", isSet: true),
        ],
        mergeability: .dense,
        formula: "W' = the stored norm",
        source: "Zhao et al., Tuning LayerNorm in Attention: Towards Efficient Multi-Modal LLM Finetuning, 2023")
}
