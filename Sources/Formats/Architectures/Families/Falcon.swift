import Diagnostics

extension ArchitectureFamily {
    /// Falcon in its three layouts: keys of one head (7B), of groups of heads (40B and 180B), of all (RW).
    static let falcon = ArchitectureFamily(
        modelTypes: ["falcon", "RefinedWeb", "RefinedWebModel"],
        heads: [.lm, .none, .sequenceClassification, .tokenClassification]
    ) { reader, type, head throws(Failure) in
        let width = try reader.size(anyOf: ["n_embed", "hidden_size"], limit: 1 << 20)
        let layers = try reader.size(anyOf: ["num_hidden_layers", "n_layer"], limit: 1 << 12)
        let heads = try reader.size(anyOf: ["num_attention_heads", "n_head"])
        let headSize = try reader.headSize(of: width, heads: heads)
        let vocabulary = try reader.size("vocab_size")
        let inner = try reader.size("ffn_hidden_size", standard: 4 * width, limit: 1 << 22)
        let isNew = reader.flag("new_decoder_architecture", standard: type == "RefinedWeb")
        let hasOneKey = reader.flag("multi_query", standard: true)
        let keyHeads =
            isNew
            ? try reader.keyHeads(anyOf: ["num_kv_heads", "n_head_kv"], heads: heads)
            : hasOneKey ? 1 : heads
        let isParallel = isNew || reader.flag("parallel_attn", standard: true)
        let bias = reader.flag("bias", standard: false)
        let stack = BlockStack(
            layers: layers, heads: heads, keyHeads: keyHeads, headSize: headSize, innerSize: inner, isGated: false,
            isParallel: isParallel)
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary, stacks: [stack],
            defaults: DefaultTargets(
                ["query_key_value"], ia3: ["query_key_value", "dense_4h_to_h"], feedForward: ["dense_4h_to_h"],
                norms: ["input_layernorm", "post_attention_layernorm", "ln_f"], attention: "self_attention"),
            maximumLength: reader.flag("alibi", standard: false)
                ? nil : try reader.size("max_position_embeddings", standard: 2048))
        let hasTwoNorms = try reader.count("num_ln_in_parallel_attn") == 2
        let norms =
            !isParallel
            ? ["input_layernorm", "post_attention_layernorm"]
            : hasTwoNorms || isNew && !reader.has("num_ln_in_parallel_attn")
                ? ["ln_attn", "ln_mlp"] : ["input_layernorm"]
        layout.list.embedding("transformer.word_embeddings", rows: vocabulary, width: width)
        for layer in 0..<layers {
            let block = "transformer.h.\(layer)."
            for norm in norms { layout.list.norm(block + norm, width: width, bias: true) }
            layout.list.fusedBlock(
                block, attention: "self_attention", queryKeyValue: width + 2 * stack.keyWidth, width: width,
                query: width, up: inner, inner: inner, queryKeyValueBias: bias, bias: bias)
        }
        try layout.list.decoderEnd(head, reader, vocabulary: vocabulary, width: width)
        return layout
    }
}
