import Architectures
import Diagnostics
import Kernels
import Layers

extension NetworkParts {
    /// GPT-2 (Radford et al., 2019): norms before, one layer for q, k and v, weights kept transposed.
    mutating func gpt2(_ stack: NormedStack) throws(Failure) -> Built {
        let path = "transformer."
        let isTied = architecture.tiesEmbeddings
        let table = try table(path + "wte")
        let embedding = Embedding(
            table: table, additions: EmbeddingAdditions(positions: try self.table(path + "wpe")),
            isTied: isTied && architecture.task == .causal)
        let sizes = architecture.stack
        let shape = AttentionShape(heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize)
        var blocks: [Block<R>] = []
        for layer in 0..<architecture.layers {
            let block = path + "h.\(layer)."
            let attentionNorm = try layerNorm(block + "ln_1", epsilon: stack.epsilon)
            let attention = SelfAttention(
                path: block + "attn", queryKeyValue: try projection([block + "attn.c_attn"]),
                output: try projection([block + "attn.c_proj"]), shape: shape)
            let mlpNorm = try layerNorm(block + "ln_2", epsilon: stack.epsilon)
            let mlp = MLP(
                path: block + "mlp", inner: try projection([block + "mlp.c_fc"]),
                activation: .gelu(stack.hasTanhGELU ? .tanh : .erf), outer: try projection([block + "mlp.c_proj"]))
            blocks.append(Block(attentionNorm: attentionNorm, attention: attention, mlpNorm: mlpNorm, mlp: mlp))
        }
        let norm = try layerNorm(path + "ln_f", epsilon: stack.epsilon)
        switch architecture.task {
        case .classification, .regression:
            return (embedding, blocks, try classHead(norm: norm, looks: .last, "score", savedAs: "score"))
        case .tokenClassification:
            return (embedding, blocks, try classHead(norm: norm, looks: .each, "classifier", savedAs: "classifier"))
        case .causal, .masked:
            let weight = isTied ? table : try parameter(modules.linear("lm_head").weight)
            return (embedding, blocks, VocabularyHead(norm: norm, weight: weight))
        }
    }
}
