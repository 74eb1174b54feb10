import Diagnostics

extension ArchitectureFamily {
    /// BLOOM: queries, keys and values in one matrix, positions by a slope per head (ALiBi), a norm after the embedding.
    static let bloom = ArchitectureFamily(
        modelTypes: ["bloom"], heads: [.lm, .none, .sequenceClassification, .tokenClassification]
    ) { reader, _, head throws(Failure) in
        let width = try reader.size(anyOf: ["n_embed", "hidden_size"], limit: 1 << 20)
        let layers = try reader.size(anyOf: ["n_layer", "num_hidden_layers"], limit: 1 << 12)
        let heads = try reader.size(anyOf: ["n_head", "num_attention_heads"])
        let vocabulary = try reader.size("vocab_size")
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary,
            stacks: [try reader.stack(layers: layers, heads: heads, width: width, inner: 4 * width)],
            defaults: DefaultTargets(
                ["query_key_value"], ia3: ["query_key_value", "mlp.dense_4h_to_h"], feedForward: ["mlp.dense_4h_to_h"],
                norms: ["input_layernorm", "post_attention_layernorm", "ln_f"], attention: "self_attention"))
        layout.list.embedding("transformer.word_embeddings", rows: vocabulary, width: width)
        layout.list.norm("transformer.word_embeddings_layernorm", width: width, bias: true)
        for layer in 0..<layers {
            let block = "transformer.h.\(layer)."
            layout.list.norm(block + "input_layernorm", width: width, bias: true)
            layout.list.fusedBlock(
                block, attention: "self_attention", queryKeyValue: 3 * width, width: width, query: width, up: 4 * width,
                inner: 4 * width, queryKeyValueBias: true, bias: true)
            layout.list.norm(block + "post_attention_layernorm", width: width, bias: true)
        }
        try layout.list.decoderEnd(head, reader, vocabulary: vocabulary, width: width)
        return layout
    }
}

extension ModuleList {
    /// The linear layers of BLOOM, Falcon and ChatGLM: `query` is the width of all heads of queries, `up` what the MLP's
    /// first layer gives, `inner` what its second takes.
    mutating func fusedBlock(
        _ block: String, attention: String, queryKeyValue: Int, width: Int, query: Int, up: Int, inner: Int,
        queryKeyValueBias: Bool, bias: Bool
    ) {
        let attention = block + attention + "."
        linear(
            attention + "query_key_value", outputs: queryKeyValue, inputs: width, bias: queryKeyValueBias, .attention)
        linear(attention + "dense", outputs: width, inputs: query, bias: bias, .attention)
        linear(block + "mlp.dense_h_to_4h", outputs: up, inputs: width, bias: bias, .mlp)
        linear(block + "mlp.dense_4h_to_h", outputs: width, inputs: inner, bias: bias, .mlp)
    }
}
