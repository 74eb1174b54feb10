extension Method {
    /// Embeddings of virtual tokens in front of the input's.
    ///
    /// value [n·submodules, d]: encoder and decoder of a sequence-to-sequence model have n rows each.
    package static let promptTuning = Method(
        word: "prompt-tuning", name: "Prompt tuning",
        kinds: [.prompt, .full],
        config: ConfigKey.virtualTokens + ConfigKey.promptStart,
        mergeability: .none(why: "it adds tokens to the input"),
        formula: "X' = [P; X]",
        source: "Lester et al., The Power of Scale for Parameter-Efficient Prompt Tuning, 2021")
}

extension ConfigKey {
    /// How a prompt starts.
    static let promptStart: [ConfigKey] = [
        ConfigKey("prompt_tuning_init", "RANDOM", noEffect: "starts the prompt, which is stored"),
        ConfigKey("prompt_tuning_init_text", noEffect: "starts the prompt, which is stored"),
        ConfigKey("tokenizer_name_or_path", noEffect: "reads the text that starts the prompt"),
        ConfigKey("tokenizer_kwargs", noEffect: "reads the text that starts the prompt"),
    ]
}
