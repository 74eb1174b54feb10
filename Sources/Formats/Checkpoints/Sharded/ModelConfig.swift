package import Diagnostics
package import Files
import JSON

/// What `config.json` says of a model that decides how its tensors may be used.
package struct ModelConfig: Hashable, Sendable {
    /// How the weights were quantized, as `quantization_config.quant_method` says: gptq, awq, mxfp4, bitsandbytes, …;
    /// nil for none.
    package internal(set) var quantization: String?
    /// Whether the output embeddings are the input embeddings; nil where it does not say.
    package private(set) var tiesWordEmbeddings: Bool?

    /// What kind of model it is: llama, gpt2, …
    package private(set) var modelType: String?

    /// What PEFT calls the task that the model's class is for: CAUSAL_LM, SEQ_2_SEQ_LM, …; nil where it is none of those.
    package private(set) var taskType: String?

    private static let taskTypes = [
        ("ForCausalLM", "CAUSAL_LM"), ("LMHeadModel", "CAUSAL_LM"), ("ForConditionalGeneration", "SEQ_2_SEQ_LM"),
        ("ForSequenceClassification", "SEQ_CLS"), ("ForTokenClassification", "TOKEN_CLS"),
        ("ForQuestionAnswering", "QUESTION_ANS"),
    ]

    /// Whether the model keeps this weight as [in, out]: the layers that GPT-2 and its like call Conv1D.
    package func isTransposed(_ tensor: String) -> Bool {
        guard let modelType, Self.conv1D.models.contains(modelType) else { return false }
        return Self.conv1D.layers.contains { tensor.hasSuffix(".\($0).weight") }
    }

    private static let conv1D = (
        models: ["gpt2", "openai-gpt", "imagegpt", "decision_transformer", "clvp"],
        layers: ["c_attn", "c_proj", "c_fc", "q_attn"]
    )

    /// Of a model without a config.
    package init() {}

    /// Throws ``Failure/Code/jsonLimit`` and the like for what is no config.
    package init(_ file: any FileContent) throws(Failure) {
        guard file.size <= JSONLimits.byteCount else {
            throw Failure(
                .jsonLimit, "the config is too long", path: file.path,
                expected: "at most \(JSONLimits.byteCount) bytes",
                actual: "\(file.size)")
        }
        let document = try JSONValue.parse(file.read(at: 0, count: file.size), path: file.path)
        modelType = document["model_type"]?.string
        let architecture = document["architectures"]?.array?.first?.string ?? ""
        taskType = Self.taskTypes.first { architecture.hasSuffix($0.0) }?.1
        // Models that see and hear keep what concerns their language model one level deeper.
        for part in [document, document["text_config"]] {
            tiesWordEmbeddings = tiesWordEmbeddings ?? part?["tie_word_embeddings"]?.bool
            quantization = quantization ?? part?["quantization_config"].flatMap(Self.method)
        }
    }

    /// How the weights were quantized, as NVIDIA's ModelOpt says it in a file of its own; nil for none.
    ///
    /// Throws as ``init(_:)`` does.
    static func quantization(_ file: any FileContent) throws(Failure) -> String? {
        guard file.size <= JSONLimits.byteCount else { return nil }
        let document = try JSONValue.parse(file.read(at: 0, count: file.size), path: file.path)
        return document["quantization"]?["quant_algo"]?.string
    }

    private static func method(_ config: JSONValue) -> String? {
        guard config.object?.isEmpty == false else { return nil }
        if let method = config["quant_method"]?.string { return method }
        // Before there was a word for it there was one library.
        let isOld = config["load_in_8bit"]?.bool == true || config["load_in_4bit"]?.bool == true
        return isOld ? "bitsandbytes" : "unknown"
    }
}
