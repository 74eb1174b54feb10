import Diagnostics
import JSON

/// How many layers a model of the LLaMA family has, and how large they are.
package struct DecoderSizes: Hashable, Sendable {
    package let hiddenSize: Int
    package let layers: Int
    package let heads: Int
    package let keyHeads: Int
    package let headSize: Int
    /// Of the MLP's inner product.
    package let innerSize: Int
    package let vocabularySize: Int
    package let tiesEmbeddings: Bool
    package let biases: Biases

    /// Whether q, k and v have biases, whether o has one, and whether the MLP's layers do.
    package struct Biases: Hashable, Sendable {
        package let queryKeyValue: Bool
        package let output: Bool
        package let mlp: Bool
    }

    /// The `model_type`s that are of the family.
    static let modelTypes = ["llama", "mistral", "qwen2"]

    /// Throws ``Failure/Code/configInvalid`` for sizes that are missing or do not fit each other.
    init(_ reader: ConfigReader, modelType: String) throws(Failure) {
        hiddenSize = try reader.size("hidden_size", limit: 1 << 20)
        layers = try reader.size("num_hidden_layers", limit: 1 << 12)
        heads = try reader.size("num_attention_heads")
        keyHeads = try reader.keyHeads(anyOf: ["num_key_value_heads"], heads: heads)
        headSize = try reader.headSize("head_dim", of: hiddenSize, heads: heads)
        innerSize = try reader.size("intermediate_size", limit: 1 << 20)
        vocabularySize = try reader.size("vocab_size")
        tiesEmbeddings = reader.flag("tie_word_embeddings", standard: false)
        let hasBiases = reader.flag("attention_bias", standard: false)
        biases = Biases(
            queryKeyValue: modelType == "qwen2" || hasBiases, output: modelType != "qwen2" && hasBiases,
            mlp: reader.flag("mlp_bias", standard: false))
    }
}
