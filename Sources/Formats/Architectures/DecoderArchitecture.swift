package import Checkpoints
package import Diagnostics
import Files
package import JSON
import Tensors

/// The LLaMA family as its `config.json` describes it: which tensors there are, of which shapes, and what is done with
/// them. No weights.
package struct DecoderArchitecture: Hashable, Sendable {
    package let modelType: String
    package let hiddenSize: Int
    package let layers: Int
    package let heads: Int
    package let keyHeads: Int
    package let headSize: Int
    /// Of the MLP's inner product.
    package let innerSize: Int
    package let vocabularySize: Int
    package let epsilon: Double
    package let rotary: RotaryEmbedding
    /// How many tokens a row may have.
    package let maximumLength: Int
    /// How many tokens back attention looks; nil for all.
    package let window: Int?
    package let tiesEmbeddings: Bool
    /// Whether q, k and v have biases, whether o has one, and whether the MLP's layers do.
    package let biases: Biases

    package struct Biases: Hashable, Sendable {
        package let queryKeyValue: Bool
        package let output: Bool
        package let mlp: Bool
    }

    /// The `model_type`s that are read here.
    package static let modelTypes = ["llama", "mistral", "qwen2"]

    /// Reads a `config.json`.
    ///
    /// Throws ``Failure/Code/unknownArchitecture`` naming what is known, and ``Failure/Code/configInvalid`` for sizes that
    /// are missing or do not fit each other.
    package init(_ config: JSONValue) throws(Failure) {
        let reader = ConfigReader(config)
        let type = config["model_type"]?.string
        guard let type, Self.modelTypes.contains(type) else {
            throw Failure(
                .unknownArchitecture, "models of this architecture cannot be trained yet",
                object: type ?? "config.json without model_type", expected: Self.modelTypes.joined(separator: ", "))
        }
        guard let act = config["hidden_act"]?.string ?? "silu" as String?, act == "silu" else {
            throw Failure(
                .unknownArchitecture, "the activation is another than the architecture's", object: "hidden_act",
                expected: "silu", actual: config["hidden_act"]?.string)
        }
        modelType = type
        hiddenSize = try reader.size("hidden_size", limit: 1 << 20)
        layers = try reader.size("num_hidden_layers", limit: 1 << 12)
        heads = try reader.size("num_attention_heads")
        keyHeads = try reader.size("num_key_value_heads", standard: heads)
        guard heads % keyHeads == 0 else {
            throw Failure(
                .configInvalid, "the heads cannot share the heads of keys", object: "num_key_value_heads",
                actual: "\(heads) and \(keyHeads)")
        }
        headSize = try reader.size("head_dim", standard: hiddenSize / heads, limit: 1 << 12)
        innerSize = try reader.size("intermediate_size", limit: 1 << 20)
        vocabularySize = try reader.size("vocab_size")
        let epsilon = config["rms_norm_eps"].map { $0.double ?? -1 } ?? 1e-6
        guard epsilon >= 0, epsilon.isFinite else {
            throw Failure(.configInvalid, "the norms are impossible", object: "rms_norm_eps", actual: "\(epsilon)")
        }
        self.epsilon = epsilon
        maximumLength = try reader.size("max_position_embeddings", standard: 2048)
        rotary = try RotaryEmbedding(config, headSize: headSize, maximumLength: maximumLength)
        if type == "qwen2", config["use_sliding_window"]?.bool == true {
            throw Failure(
                .unknownArchitecture, "windows in some layers and not in others are not known",
                object: "use_sliding_window")
        }
        let hasWindow = type == "mistral" && config["sliding_window"]?.isNull == false
        window = hasWindow ? try reader.size("sliding_window") : nil
        tiesEmbeddings = config["tie_word_embeddings"]?.bool ?? false
        let hasBiases = config["attention_bias"]?.bool ?? false
        biases = Biases(
            queryKeyValue: type == "qwen2" || hasBiases, output: type != "qwen2" && hasBiases,
            mlp: config["mlp_bias"]?.bool ?? false)
    }

    /// Reads the `config.json` of a model's folder.
    package init(of checkpoint: Checkpoint) throws(Failure) {
        let path = Paths.joined(checkpoint.folder, "config.json")
        guard checkpoint.companions.contains("config.json") else {
            throw Failure(
                .configMissing, "the base has no config.json, which says what kind of model it is",
                path: checkpoint.path, hint: "name the model's folder as it was downloaded")
        }
        let file = try InputFile(path: path)
        guard file.size <= JSONLimits.byteCount else {
            throw Failure(.jsonLimit, "the config is too long", path: path)
        }
        do throws(Failure) {
            try self.init(JSONValue.parse(file.read(at: 0, count: file.size), path: path))
        } catch {
            throw error.at(path: path)
        }
    }
}

/// Sizes of a config, each checked.
struct ConfigReader {
    private let config: JSONValue

    init(_ config: JSONValue) {
        self.config = config
    }

    func size(_ key: String, standard: Int? = nil, limit: Int = 1 << 31) throws(Failure) -> Int {
        let value = config[key].flatMap { $0.isNull ? nil : $0 }
        guard let size = value == nil ? standard : value?.int, size >= 1, size <= limit else {
            throw Failure(
                .configInvalid, "the config lacks a size or has an impossible one", object: key,
                actual: value.map { "\($0.kind)" } ?? "nothing")
        }
        return size
    }
}
