import Diagnostics
import JSON

/// What is done with the tensors of a model with layer norms and learned positions: GPT-2, BERT and RoBERTa.
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

    /// Throws ``Failure/Code/unknownArchitecture`` for variants that are not known.
    init(_ reader: ConfigReader, modelType: String) throws(Failure) {
        let isGPT2 = modelType == "gpt2"
        let key = isGPT2 ? "activation_function" : "hidden_act"
        let activation = reader[key]?.string ?? (isGPT2 ? "gelu_new" : "gelu")
        guard let hasTanhGELU = Self.activations[activation] else {
            throw Failure(
                .unknownArchitecture, "models with this activation cannot be trained yet", object: key,
                expected: Self.activations.keys.sorted().joined(separator: ", "), actual: activation)
        }
        self.hasTanhGELU = hasTanhGELU
        let epsilonKey = isGPT2 ? "layer_norm_epsilon" : "layer_norm_eps"
        let epsilon = reader[epsilonKey].map { $0.double ?? -1 } ?? (isGPT2 ? 1e-5 : 1e-12)
        guard epsilon >= 0, epsilon.isFinite else {
            throw Failure(.configInvalid, "the norms are impossible", object: epsilonKey, actual: "\(epsilon)")
        }
        self.epsilon = epsilon
        let others: [(key: String, value: Bool)] =
            isGPT2
            ? [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false)] : [("is_decoder", false)]
        for other in others where reader.flag(other.key, standard: other.value) != other.value {
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
        firstPosition = modelType == "roberta" ? (reader["pad_token_id"]?.int ?? 1) + 1 : 0
        guard (0...1 << 20).contains(firstPosition) else {
            throw Failure(.configInvalid, "the padding is impossible", object: "pad_token_id")
        }
    }
}
