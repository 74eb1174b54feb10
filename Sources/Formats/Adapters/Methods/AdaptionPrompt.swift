import Architectures
import Diagnostics

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
        source: "Zhang et al., LLaMA-Adapter: Efficient Fine-tuning of Language Models with Zero-init Attention, 2023",
        sizing: Sizing(standard: ["adapter_len": 10], tokensKey: "adapter_len") { input throws(Failure) in
            let blocks = input.architecture.stacks.last?.layers ?? 0
            let layers = try input.count("adapter_layers", standard: blocks)
            guard layers <= blocks else {
                throw Failure(
                    .badParameter, "the model has fewer layers", object: "adapter_layers",
                    expected: "at most \(blocks)",
                    actual: "\(layers)")
            }
            let tokens = Formula.quantity("tokens", try input.count("adapter_len"))
            var size = AdapterSize()
            size.added = [
                TensorGroup(
                    input.architecture.defaults.attention, copies: layers,
                    [
                        TensorShape("value", [1, tokens, .quantity("d", input.architecture.hiddenSize)]),
                        TensorShape("gate", [1]),
                    ])
            ]
            return size
        })
}
