import Architectures
import Diagnostics

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
        source: "Liu et al., GPT Understands, Too, 2021",
        sizing: Sizing(standard: ["num_virtual_tokens": 20], tokensKey: "num_virtual_tokens") { input throws(Failure) in
            let (tokens, d) = try input.prompt()
            let hidden = try input.count("encoder_hidden_size", standard: d.value())
            let h = Formula.quantity("h", hidden)
            var tensors = [TensorShape("rows", [tokens, d])]
            func linear(_ name: String, _ outputs: Formula, _ inputs: Formula) {
                tensors += [TensorShape(name, [outputs, inputs]), TensorShape(name + ".bias", [outputs])]
            }
            switch input.parameters["encoder_reparameterization_type"]?.string ?? "MLP" {
            case "MLP":
                linear("W1", h, d)
                linear("W2", h, h)
                linear("W3", d, h)
            case "LSTM":
                let layers = try input.count("encoder_num_layers")
                for (copies, inputs) in [(min(1, layers), d), (max(0, layers - 1), 2 * h)] {
                    let both: [Formula] = [.quantity("layers", copies), 2, 4, h]
                    tensors += [
                        TensorShape("W_ih", both + [inputs]), TensorShape("W_hh", both + [h]),
                        TensorShape("biases", both + [2]),
                    ]
                }
                linear("W1", 2 * h, 2 * h)
                linear("W2", d, 2 * h)
            default:
                throw Failure(
                    .badParameter, "this encoder of prompts is not known", expected: "MLP or LSTM",
                    actual: input.parameters["encoder_reparameterization_type"]?.summary)
            }
            var size = AdapterSize()
            size.added = [TensorGroup("prompt's encoder", tensors)]
            size.stored = [TensorGroup("prompt", [TensorShape("value", [tokens, d])])]
            size.virtualTokens = try tokens.value()
            return size
        })
}
