import Diagnostics

extension ArchitectureFamily {
    /// GPT-2: one matrix for queries, keys and values, kept transposed as all of its blocks are; learned positions.
    static let gpt2 = ArchitectureFamily(
        modelTypes: ["gpt2"], heads: [.lm, .none, .sequenceClassification, .tokenClassification]
    ) { reader, _, head throws(Failure) in
        let width = try reader.size(anyOf: ["n_embd", "hidden_size"], limit: 1 << 20)
        let layers = try reader.size(anyOf: ["n_layer", "num_hidden_layers"], limit: 1 << 12)
        let heads = try reader.size(anyOf: ["n_head", "num_attention_heads"])
        let positions = try reader.size(anyOf: ["n_positions", "n_ctx", "max_position_embeddings"], standard: 1024)
        let vocabulary = try reader.size("vocab_size")
        let inner = try reader.size("n_inner", standard: 4 * width, limit: 1 << 22)
        if reader.flag("add_cross_attention", standard: false) {
            throw Failure(
                .unknownArchitecture, "a GPT-2 that attends to an encoder is not known", object: "add_cross_attention")
        }
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary,
            stacks: [try reader.stack(layers: layers, heads: heads, width: width, inner: inner)],
            defaults: DefaultTargets(
                ["c_attn"], ia3: ["c_attn", "mlp.c_proj"], feedForward: ["mlp.c_proj"],
                norms: ["ln_1", "ln_2", "ln_f"],
                attention: "attn", others: ["fourierft": ["mlp.c_proj"]]),
            maximumLength: positions)
        layout.list.embedding("transformer.wte", rows: vocabulary, width: width)
        layout.list.embedding("transformer.wpe", rows: positions, width: width)
        for layer in 0..<layers {
            let block = "transformer.h.\(layer)."
            layout.list.norm(block + "ln_1", width: width, bias: true)
            for (name, outputs, inputs, part) in [
                ("attn.c_attn", 3 * width, width, ModuleShape.Part.attention),
                ("attn.c_proj", width, width, .attention), ("mlp.c_fc", inner, width, .mlp),
                ("mlp.c_proj", width, inner, .mlp),
            ] {
                layout.list.linear(
                    block + name, outputs: outputs, inputs: inputs, bias: true, part, isTransposed: true)
            }
            layout.list.norm(block + "ln_2", width: width, bias: true)
        }
        try layout.list.decoderEnd(head, reader, vocabulary: vocabulary, width: width)
        return layout
    }
}

extension ModuleList {
    /// The last norm of GPT-2, BLOOM and Falcon, and what they may end in: the language model's head is tied unless the config
    /// says that it is not.
    mutating func decoderEnd(
        _ head: ModelHead, _ reader: ConfigReader, vocabulary: Int, width: Int
    ) throws(Failure) {
        norm("transformer.ln_f", width: width, bias: true)
        switch head {
        case .lm:
            linear(
                "lm_head", outputs: vocabulary, inputs: width, bias: false, .head,
                isTied: reader.flag("tie_word_embeddings", standard: true))
        case .sequenceClassification:
            linear("score", outputs: try reader.labels(), inputs: width, bias: false, .head)
        case .tokenClassification:
            linear("classifier", outputs: try reader.labels(), inputs: width, bias: true, .head)
        case .none, .maskedLM: break
        }
    }
}
