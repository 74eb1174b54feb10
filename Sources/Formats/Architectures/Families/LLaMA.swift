import Diagnostics

extension ArchitectureFamily {
    /// LLaMA, Mistral and Qwen2: the tensors are those of ``DecoderSizes``.
    static let llama = ArchitectureFamily(
        modelTypes: DecoderSizes.modelTypes, heads: [.lm, .none, .sequenceClassification, .tokenClassification]
    ) { reader, type, head throws(Failure) in
        let sizes = try DecoderSizes(reader, modelType: type)
        var layout = ArchitectureLayout(
            hiddenSize: sizes.hiddenSize, vocabularySize: sizes.vocabularySize,
            stacks: [
                BlockStack(
                    layers: sizes.layers, heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize,
                    innerSize: sizes.innerSize, isGated: true)
            ],
            defaults: targets(type), maximumLength: try reader.size("max_position_embeddings", standard: 2048))
        layout.list.embedding("model.embed_tokens", rows: sizes.vocabularySize, width: sizes.hiddenSize)
        for layer in 0..<sizes.layers {
            let block = sizes.block(layer)
            for linear in block.queryKeyValue + [block.output] { layout.list.linear(linear, .attention) }
            for linear in block.gateUp + [block.down] { layout.list.linear(linear, .mlp) }
            for norm in [block.attentionNorm, block.mlpNorm] {
                layout.list.norm(norm.module, width: sizes.hiddenSize, bias: false)
            }
        }
        layout.list.norm(sizes.norm.module, width: sizes.hiddenSize, bias: false)
        switch head {
        case .lm:
            layout.list.linear(
                "lm_head", outputs: sizes.vocabularySize, inputs: sizes.hiddenSize, bias: false, .head,
                isTied: sizes.tiesEmbeddings)
        case .sequenceClassification, .tokenClassification:
            layout.list.linear(
                "score", outputs: try reader.labels(), inputs: sizes.hiddenSize, bias: head == .tokenClassification,
                .head)
        case .none, .maskedLM: break
        }
        return layout
    }

    private static func targets(_ type: String) -> DefaultTargets {
        let isQwen2 = type == "qwen2"
        return DefaultTargets(
            ["q_proj", "v_proj"], ia3: [isQwen2 ? "q_proj" : "k_proj", "v_proj", "down_proj"],
            feedForward: ["down_proj"],
            norms: isQwen2
                ? ["post_attention_layernorm"] : ["input_layernorm", "post_attention_layernorm", "norm"],
            attention: "self_attn")
    }
}

extension NamedShape {
    /// Its name without the last component.
    fileprivate var module: String { name.split(separator: ".").dropLast().joined(separator: ".") }
}
