import Diagnostics
import JSON

extension ArchitectureFamily {
    /// T5 in both versions, FLAN-T5 and mT5: no biases, relative positions in the first block of each stack.
    static let t5 = ArchitectureFamily(modelTypes: ["t5", "mt5"], heads: [.lm, .none]) {
        reader, type, head throws(Failure) in
        let width = try reader.size("d_model", limit: 1 << 20)
        let layers = try reader.size("num_layers", limit: 1 << 12)
        let decoderLayers = try reader.size("num_decoder_layers", standard: layers, limit: 1 << 12)
        let heads = try reader.size("num_heads", limit: 1 << 20)
        let headSize = try reader.size("d_kv", limit: 1 << 12)
        let inner = try reader.size("d_ff", limit: 1 << 22)
        let vocabulary = try reader.size("vocab_size")
        let buckets = try reader.size("relative_attention_num_buckets", standard: 32, limit: 1 << 20)
        let activation = reader["feed_forward_proj"]?.string ?? (type == "mt5" ? "gated-gelu" : "relu")
        let isGated = activation.hasPrefix("gated-")
        let encoder = BlockStack(
            layers: layers, heads: heads, keyHeads: heads, headSize: headSize, innerSize: inner, isGated: isGated)
        let decoder = BlockStack(
            layers: decoderLayers, heads: heads, keyHeads: heads, headSize: headSize, innerSize: inner,
            isGated: isGated,
            hasCrossAttention: true)
        var layout = ArchitectureLayout(
            hiddenSize: width, vocabularySize: vocabulary, stacks: [encoder, decoder], defaults: targets(type))
        layout.list.embedding("shared", rows: vocabulary, width: width)
        for (name, stack) in [("encoder", encoder), ("decoder", decoder)] {
            for layer in 0..<stack.layers {
                layout.list.block(
                    name + ".block.\(layer).layer.", stack, width: width, buckets: layer == 0 ? buckets : nil)
            }
            layout.list.norm(name + ".final_layer_norm", width: width, bias: false)
        }
        if head == .lm {
            layout.list.linear(
                "lm_head", outputs: vocabulary, inputs: width, bias: false, .head,
                isTied: reader.flag("tie_word_embeddings", standard: true))
        }
        return layout
    }

    private static func targets(_ type: String) -> DefaultTargets {
        let isGated = type == "mt5"
        let all = ["q", "k", "v", "o"] + (isGated ? ["wi_0", "wi_1", "wo"] : ["wi", "wo"])
        return DefaultTargets(
            ["q", "v"], ia3: ["k", "v", isGated ? "wi_1" : "wo"], feedForward: isGated ? [] : ["wo"],
            norms: ["layer_norm", "final_layer_norm"], attention: "SelfAttention",
            others: ["adalora": all, "vblora": all])
    }
}

extension ModuleList {
    /// One block of T5; `buckets` of relative positions where it is its stack's first.
    fileprivate mutating func block(_ path: String, _ stack: BlockStack, width: Int, buckets: Int?) {
        let attentions = ["SelfAttention"] + (stack.hasCrossAttention ? ["EncDecAttention"] : [])
        for (number, attention) in attentions.enumerated() {
            let part = path + "\(number)."
            for name in ["q", "k", "v"] {
                linear(
                    part + attention + "." + name, outputs: stack.queryWidth, inputs: width, bias: false, .attention)
            }
            linear(part + attention + ".o", outputs: width, inputs: stack.queryWidth, bias: false, .attention)
            if let buckets, number == 0 {
                embedding(part + attention + ".relative_attention_bias", rows: buckets, width: stack.heads)
            }
            norm(part + "layer_norm", width: width, bias: false)
        }
        let part = path + "\(attentions.count)."
        for name in stack.isGated ? ["wi_0", "wi_1"] : ["wi"] {
            linear(part + "DenseReluDense." + name, outputs: stack.innerSize, inputs: width, bias: false, .mlp)
        }
        linear(part + "DenseReluDense.wo", outputs: width, inputs: stack.innerSize, bias: false, .mlp)
        norm(part + "layer_norm", width: width, bias: false)
    }
}
