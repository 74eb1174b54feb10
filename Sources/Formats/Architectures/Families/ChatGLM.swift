import Diagnostics

extension ArchitectureFamily {
    /// ChatGLM: the first version, with LayerNorm, biases and a tied head; and the second and third, with RMSNorm, keys of
    /// few heads, a gated MLP and a head of its own. Configs of the first call the MLP's width `inner_hidden_size`.
    static let chatGLM = ArchitectureFamily(modelTypes: ["chatglm"], heads: [.lm, .none]) {
        reader, _, head throws(Failure) in
        reader.has("inner_hidden_size") ? try first(reader, head) : try second(reader, head)
    }

    /// PEFT has no targets of its own for (IA)³ and norms here: those that play the same part in BLOOM.
    private static func targets(_ norm: String, _ attention: String) -> DefaultTargets {
        DefaultTargets(
            ["query_key_value"], ia3: ["query_key_value", "dense_4h_to_h"], feedForward: ["dense_4h_to_h"],
            norms: ["input_layernorm", "post_attention_layernorm", norm], attention: attention)
    }

    private static func first(_ reader: ConfigReader, _ head: ModelHead) throws(Failure) -> ArchitectureLayout {
        let width = try reader.size("hidden_size", limit: 1 << 20)
        let layers = try reader.size("num_layers", limit: 1 << 12)
        let heads = try reader.size("num_attention_heads")
        let inner = try reader.size("inner_hidden_size", limit: 1 << 22)
        let vocabulary = try reader.size("vocab_size")
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary,
            stacks: [try reader.stack(layers: layers, heads: heads, width: width, inner: inner)],
            defaults: targets("final_layernorm", "attention"),
            maximumLength: try reader.length("max_sequence_length"))
        layout.list.embedding("transformer.word_embeddings", rows: vocabulary, width: width)
        for layer in 0..<layers {
            let block = "transformer.layers.\(layer)."
            layout.list.norm(block + "input_layernorm", width: width, bias: true)
            layout.list.fusedBlock(
                block, attention: "attention", queryKeyValue: 3 * width, width: width, query: width, up: inner,
                inner: inner, queryKeyValueBias: true, bias: true)
            layout.list.norm(block + "post_attention_layernorm", width: width, bias: true)
        }
        layout.list.norm("transformer.final_layernorm", width: width, bias: true)
        if head == .lm {
            layout.list.linear("lm_head", outputs: vocabulary, inputs: width, bias: false, .head, isTied: true)
        }
        return layout
    }

    private static func second(_ reader: ConfigReader, _ head: ModelHead) throws(Failure) -> ArchitectureLayout {
        let width = try reader.size("hidden_size", limit: 1 << 20)
        let layers = try reader.size("num_layers", limit: 1 << 12)
        let heads = try reader.size("num_attention_heads", limit: 1 << 20)
        let headSize = try reader.headSize("kv_channels", of: width, heads: heads)
        let inner = try reader.size("ffn_hidden_size", limit: 1 << 22)
        let vocabulary = try reader.size(anyOf: ["padded_vocab_size", "vocab_size"])
        let hasFewKeys = reader.flag("multi_query_attention", standard: false)
        let keyHeads = hasFewKeys ? try reader.keyHeads(anyOf: ["multi_query_group_num"], heads: heads) : heads
        let bias = reader.flag("add_bias_linear", standard: false)
        let hasNormBias = !reader.flag("rmsnorm", standard: true)
        let stack = BlockStack(
            layers: layers, heads: heads, keyHeads: keyHeads, headSize: headSize, innerSize: inner, isGated: true)
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary, stacks: [stack],
            defaults: targets("final_layernorm", "self_attention"), maximumLength: try reader.length("seq_length"))
        layout.list.embedding("transformer.embedding.word_embeddings", rows: vocabulary, width: width)
        for layer in 0..<layers {
            let block = "transformer.encoder.layers.\(layer)."
            layout.list.norm(block + "input_layernorm", width: width, bias: hasNormBias)
            layout.list.fusedBlock(
                block, attention: "self_attention", queryKeyValue: stack.queryWidth + 2 * stack.keyWidth, width: width,
                query: stack.queryWidth, up: 2 * inner, inner: inner,
                queryKeyValueBias: bias || reader.flag("add_qkv_bias", standard: false), bias: bias)
            layout.list.norm(block + "post_attention_layernorm", width: width, bias: hasNormBias)
        }
        if reader.flag("post_layer_norm", standard: true) {
            layout.list.norm("transformer.encoder.final_layernorm", width: width, bias: hasNormBias)
        }
        if head == .lm {
            layout.list.linear(
                "transformer.output_layer", outputs: vocabulary, inputs: width, bias: bias, .head,
                isTied: reader.flag("tie_word_embeddings", standard: false))
        }
        return layout
    }
}
