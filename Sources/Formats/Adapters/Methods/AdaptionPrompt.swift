extension Method {
    /// Prompts that the attention of the last layers looks at beside its input, through a gate that starts at zero.
    ///
    /// h' = h + g·Attention(Q, K(P), V(P)) before the output projection: value [1, n, d], gate [1].
    package static let adaptionPrompt = Method(
        word: "adaption-prompt", name: "LLaMA-Adapter",
        kinds: [.gatedPrompt],
        config: [
            ConfigKey("adapter_len", .null, .count),
            ConfigKey("adapter_layers", .null, .count),
            ConfigKey("target_modules"),
        ],
        mergeability: .none(why: "it adds a gated second attention"),
        formula: "h' = h + g·Attention(Q, K(P), V(P))",
        source: "Zhang et al., LLaMA-Adapter: Efficient Fine-tuning of Language Models with Zero-init Attention, 2023")
}
