import Architectures
import Diagnostics

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
        source: "Lester et al., The Power of Scale for Parameter-Efficient Prompt Tuning, 2021",
        sizing: Sizing(standard: ["num_virtual_tokens": 20], tokensKey: "num_virtual_tokens") { input throws(Failure) in
            let prompt = try input.prompt()
            var size = AdapterSize()
            size.added = [TensorGroup("prompt", [TensorShape("value", [prompt.tokens, prompt.width])])]
            size.virtualTokens = try prompt.tokens.value()
            return size
        })
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

extension SizingInput {
    /// How many virtual tokens there are in encoder and decoder together, and how wide.
    func prompt() throws(Failure) -> (tokens: Formula, width: Formula) {
        let tokens = Formula.quantity("tokens", try count("num_virtual_tokens"))
        let parts = try count("num_transformer_submodules", standard: 1)
        return (
            parts == 1 ? tokens : tokens * .quantity("submodules", parts),
            .quantity("d", try count("token_dim", standard: architecture.hiddenSize))
        )
    }
}
