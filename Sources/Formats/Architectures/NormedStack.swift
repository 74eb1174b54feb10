import Diagnostics
import JSON

/// What is done with the tensors of a model with layer norms and learned positions: GPT-2, BERT, RoBERTa
/// and DistilBERT.
package struct NormedStack: Hashable, Sendable {
    package let epsilon: Double
    /// Whether the MLP's GELU is the one by tanh, and not by the error function.
    package let hasTanhGELU: Bool
    /// The row of the table of positions that the first token of a row has.
    package let firstPosition: Int

    /// The words of `hidden_act` that mean GELU, and whether that is the one by tanh.
    private static let activations = [
        "gelu": false, "gelu_new": true, "gelu_pytorch_tanh": true, "gelu_fast": true,
    ]

    /// What configs of a type call things, and settings that may only have this value.
    private struct Keys {
        var activation = "hidden_act"
        var epsilon: String? = "layer_norm_eps"
        var others: [(key: String, value: Bool)] = [("is_decoder", false)]

        init(_ modelType: String) {
            switch modelType {
            case "gpt2":
                activation = "activation_function"
                epsilon = "layer_norm_epsilon"
                others = [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false)]
            case "distilbert":
                activation = "activation"
                epsilon = nil
            default: break
            }
        }
    }

    /// Throws ``Failure/Code/unknownArchitecture`` for variants that are not known.
    init(_ reader: ConfigReader, modelType: String) throws(Failure) {
        let isGPT2 = modelType == "gpt2"
        let keys = Keys(modelType)
        let activation = reader[keys.activation]?.string ?? (isGPT2 ? "gelu_new" : "gelu")
        guard let hasTanhGELU = Self.activations[activation] else {
            throw Failure(
                .unknownArchitecture, "models with this activation cannot be trained yet", object: keys.activation,
                expected: Self.activations.keys.sorted().joined(separator: ", "), actual: activation)
        }
        self.hasTanhGELU = hasTanhGELU
        let epsilon = keys.epsilon.flatMap { reader[$0] }.map { $0.double ?? -1 } ?? (isGPT2 ? 1e-5 : 1e-12)
        guard epsilon >= 0, epsilon.isFinite else {
            throw Failure(.configInvalid, "the norms are impossible", object: keys.epsilon, actual: "\(epsilon)")
        }
        self.epsilon = epsilon
        for other in keys.others where reader.flag(other.key, standard: other.value) != other.value {
            throw Failure(
                .unknownArchitecture, "models with this setting cannot be trained yet", object: other.key,
                expected: "\(other.value)", actual: "\(!other.value)")
        }
        let positions = reader["position_embedding_type"]?.string ?? "absolute"
        guard positions == "absolute" else {
            throw Failure(
                .unknownArchitecture, "models with such positions cannot be trained yet",
                object: "position_embedding_type", expected: "absolute", actual: positions)
        }
        // RoBERTa's positions begin after that of its padding.
        let padding = modelType == "roberta" ? reader["pad_token_id"]?.int ?? 1 : -1
        guard (-1...1 << 20).contains(padding) else {
            throw Failure(.configInvalid, "the padding is impossible", object: "pad_token_id")
        }
        firstPosition = padding + 1
    }
}
