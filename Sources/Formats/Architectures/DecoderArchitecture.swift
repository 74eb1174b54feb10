package import Diagnostics
package import JSON
import Tensors

/// The LLaMA family as its `config.json` describes it: which tensors there are, of which shapes, and what is done with
/// them. No weights.
@dynamicMemberLookup
package struct DecoderArchitecture: Hashable, Sendable {
    package let modelType: String
    /// How many layers there are and how large: `architecture.hiddenSize` is that of its sizes.
    package let sizes: DecoderSizes
    package let epsilon: Double
    package let rotary: RotaryEmbedding
    /// How many tokens a row may have.
    package let maximumLength: Int
    /// How many tokens back attention looks; nil for all.
    package let window: Int?

    package subscript<Value>(dynamicMember path: KeyPath<DecoderSizes, Value>) -> Value { sizes[keyPath: path] }

    package func block(_ layer: Int) -> DecoderSizes.BlockTensors { sizes.block(layer) }

    /// Reads a `config.json`.
    ///
    /// Throws ``Failure/Code/unknownArchitecture`` naming what is known, and ``Failure/Code/configInvalid`` for sizes that
    /// are missing or do not fit each other.
    package init(_ config: JSONValue) throws(Failure) {
        let reader = ConfigReader(config)
        let type = config["model_type"]?.string
        guard let type, DecoderSizes.modelTypes.contains(type) else {
            throw Failure(
                .unknownArchitecture, "models of this architecture cannot be trained yet",
                object: type ?? "config.json without model_type",
                expected: DecoderSizes.modelTypes.joined(separator: ", "))
        }
        guard let act = config["hidden_act"]?.string ?? "silu" as String?, act == "silu" else {
            throw Failure(
                .unknownArchitecture, "the activation is another than the architecture's", object: "hidden_act",
                expected: "silu", actual: config["hidden_act"]?.string)
        }
        modelType = type
        sizes = try DecoderSizes(reader, modelType: type)
        let epsilon = config["rms_norm_eps"].map { $0.double ?? -1 } ?? 1e-6
        guard epsilon >= 0, epsilon.isFinite else {
            throw Failure(.configInvalid, "the norms are impossible", object: "rms_norm_eps", actual: "\(epsilon)")
        }
        self.epsilon = epsilon
        maximumLength = try reader.size("max_position_embeddings", standard: 2048)
        rotary = try RotaryEmbedding(config, headSize: sizes.headSize, maximumLength: maximumLength)
        if type == "qwen2", config["use_sliding_window"]?.bool == true {
            throw Failure(
                .unknownArchitecture, "windows in some layers and not in others are not known",
                object: "use_sliding_window")
        }
        let hasWindow = type == "mistral" && config["sliding_window"]?.isNull == false
        window = hasWindow ? try reader.size("sliding_window") : nil
    }
}
