import Diagnostics
import JSON

extension ArchitectureFamily {
    /// DistilBERT: BERT's blocks under other names, without parts of rows and without a pooler; a layer of its own comes before
    /// the one for classes.
    static let distilBERT = ArchitectureFamily(
        modelTypes: ["distilbert"], heads: [.none, .maskedLM, .sequenceClassification, .tokenClassification]
    ) { reader, _, head throws(Failure) in
        let path = head == .none ? "" : "distilbert."
        let width = try reader.size(anyOf: ["dim", "hidden_size"], standard: 768, limit: 1 << 20)
        let layers = try reader.size(anyOf: ["n_layers", "num_hidden_layers"], standard: 6, limit: 1 << 12)
        let heads = try reader.size(anyOf: ["n_heads", "num_attention_heads"], standard: 12)
        let inner = try reader.size("hidden_dim", standard: 3072, limit: 1 << 22)
        let vocabulary = try reader.size("vocab_size", standard: 30522)
        let positions = try reader.size("max_position_embeddings", standard: 512)
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary,
            stacks: [try reader.stack(layers: layers, heads: heads, width: width, inner: inner)],
            // PEFT has none for it: those of BERT under their names here.
            defaults: DefaultTargets(
                ["q_lin", "v_lin"], ia3: ["k_lin", "v_lin", "ffn.lin2"], feedForward: ["ffn.lin2"],
                norms: ["sa_layer_norm", "output_layer_norm"], attention: "attention"),
            maximumLength: positions)
        layout.list.embedding(path + "embeddings.word_embeddings", rows: vocabulary, width: width)
        layout.list.embedding(path + "embeddings.position_embeddings", rows: positions, width: width)
        layout.list.norm(path + "embeddings.LayerNorm", width: width, bias: true)
        for layer in 0..<layers {
            let block = path + "transformer.layer.\(layer)."
            for name in ["q_lin", "k_lin", "v_lin", "out_lin"] {
                layout.list.linear(block + "attention." + name, outputs: width, inputs: width, bias: true, .attention)
            }
            layout.list.norm(block + "sa_layer_norm", width: width, bias: true)
            layout.list.linear(block + "ffn.lin1", outputs: inner, inputs: width, bias: true, .mlp)
            layout.list.linear(block + "ffn.lin2", outputs: width, inputs: inner, bias: true, .mlp)
            layout.list.norm(block + "output_layer_norm", width: width, bias: true)
        }
        switch head {
        case .maskedLM:
            layout.list.linear("vocab_transform", outputs: width, inputs: width, bias: true, .head)
            layout.list.norm("vocab_layer_norm", width: width, bias: true)
            layout.list.linear(
                "vocab_projector", outputs: vocabulary, inputs: width, bias: true, .head,
                isTied: reader.flag("tie_word_embeddings", standard: true))
        case .sequenceClassification:
            layout.list.linear("pre_classifier", outputs: width, inputs: width, bias: true, .head)
            layout.list.linear("classifier", outputs: try reader.labels(), inputs: width, bias: true, .head)
        case .tokenClassification:
            layout.list.linear("classifier", outputs: try reader.labels(), inputs: width, bias: true, .head)
        case .none, .lm: break
        }
        return layout
    }
}
