import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import JSON
import Tensors

/// The files of the result beside its weights: those of one model, its config brought up to date.
struct ResultConfig {
    let main: MergeModel
    let plans: [MergedTensorPlan]
    /// Where the layers come from, if not all from their own places.
    let layers: [Recipe.LayerOrigin]?
    let vocabularySize: Int?
    let tokenizer: ResultTokenizer
    /// Files that say how the result was made.
    let records: [MergeFiles.Written]

    static let name = "config.json"

    /// Throws ``Failure/Code/configInvalid`` and the like for a config that is none.
    func files() throws(Failure) -> MergeFiles {
        let checkpoint = main.checkpoint
        var written = tokenizer.written + records
        if let before = try CompanionText.json(Self.name, of: checkpoint) {
            guard let object = before.object else {
                throw Failure(
                    .configInvalid, "the config is no object", path: Paths.joined(checkpoint.folder, Self.name))
            }
            let after = updated(object)
            if JSONValue.object(after) != before {
                let bytes = JSONWriter.bytes(of: .object(after), .python(indent: 2, sortKeys: false))
                written.append(.init(name: Self.name, bytes: bytes + [UInt8(ascii: "\n")]))
            }
        }
        let replaced = tokenizer.dropped.union(written.map(\.name))
        let copied = checkpoint.companions.filter { !replaced.contains($0) && $0 != checkpoint.indexName }
        return MergeFiles(folder: checkpoint.folder, copied: copied, written: written)
    }

    private func updated(_ config: JSONObject) -> JSONObject {
        var config = config
        set(in: &config, isInner: false)
        if case .object(var inner)? = config["text_config"] {
            set(in: &inner, isInner: true)
            config["text_config"] = .object(inner)
        }
        return config
    }

    /// - Parameter isInner: Whether it is the part that speaks of the language model: then only what is there changes.
    private func set(in config: inout JSONObject, isInner: Bool) {
        if plans.contains(where: { EmbeddingNames.isHead($0.name) }), !isInner || config["tie_word_embeddings"] != nil {
            config["tie_word_embeddings"] = false
        }
        for key in ["dtype", "torch_dtype"] where config[key]?.string != nil {
            if let dtype { config[key] = .string(dtype) }
        }
        if let vocabularySize, config["vocab_size"] != nil { config["vocab_size"] = JSONValue(vocabularySize) }
        guard let layers else { return }
        for key in ["num_hidden_layers", "n_layer", "n_layers", "num_layers"] where config[key]?.int != nil {
            config[key] = JSONValue(layers.count)
        }
        // One word for each layer, which goes with it.
        if let types = config["layer_types"]?.array {
            let moved = layers.compactMap { types.indices.contains($0.number) ? types[$0.number] : nil }
            if moved.count == layers.count { config["layer_types"] = .array(moved) }
        }
    }

    /// That of all floats, if they have one.
    private var dtype: String? {
        let kinds = Set(plans.map(\.dtype).filter(\.isFloat))
        guard kinds.count == 1, let only = kinds.first else { return nil }
        switch only {
        case .f16: return "float16"
        case .bf16: return "bfloat16"
        case .f32: return "float32"
        default: return "float64"
        }
    }
}
