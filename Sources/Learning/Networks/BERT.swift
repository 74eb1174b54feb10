import Architectures
import Diagnostics
import Kernels
import Layers
import Tensors

extension NetworkParts {
    /// BERT (Devlin et al., 2019) and RoBERTa (Liu et al., 2019): norms after the sums, every token sees all of its row.
    mutating func encoder(_ stack: NormedStack) throws(Failure) -> Built {
        let path = architecture.modelType + "."
        let embeddings = path + "embeddings."
        let table = try table(embeddings + "word_embeddings")
        let positions = try self.table(embeddings + "position_embeddings")
        let types = try self.table(embeddings + "token_type_embeddings")
        let norm = try layerNorm(embeddings + "LayerNorm", epsilon: stack.epsilon)
        let embedding = Embedding(
            table: table,
            additions: EmbeddingAdditions(
                positions: positions, firstPosition: Int32(stack.firstPosition), types: types, norm: norm),
            isTied: architecture.tiesEmbeddings)
        let sizes = architecture.stack
        let shape = AttentionShape(
            heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, isCausal: false)
        var blocks: [Block<R>] = []
        for layer in 0..<architecture.layers {
            let block = path + "encoder.layer.\(layer)."
            let attention = SelfAttention(
                path: block + "attention.self",
                queryKeyValue: try projection(["query", "key", "value"].map { block + "attention.self." + $0 }),
                output: try projection([block + "attention.output.dense"]), shape: shape)
            let attentionNorm = try layerNorm(block + "attention.output.LayerNorm", epsilon: stack.epsilon)
            let mlp = MLP(
                path: block + "output", inner: try projection([block + "intermediate.dense"]),
                activation: .gelu(stack.hasTanhGELU ? .tanh : .erf), outer: try projection([block + "output.dense"]))
            let mlpNorm = try layerNorm(block + "output.LayerNorm", epsilon: stack.epsilon)
            blocks.append(
                Block(attentionNorm: attentionNorm, attention: attention, mlpNorm: mlpNorm, mlp: mlp, norms: .after))
        }
        return (embedding, blocks, try encoderHead(stack, path, table: table))
    }

    private mutating func encoderHead(
        _ stack: NormedStack, _ path: String, table: BaseParameter<R>
    ) throws(Failure) -> any Head<R> {
        let isRoBERTa = architecture.modelType == "roberta"
        switch architecture.task {
        case .masked, .causal:
            let names =
                isRoBERTa
                ? (dense: "lm_head.dense", norm: "lm_head.layer_norm", words: "lm_head.decoder")
                : (
                    dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
                    words: "cls.predictions.decoder"
                )
            let transform = try headLinear(names.dense, savedAs: names.dense, always: false)
            let norm = try headNorm(names.norm, epsilon: stack.epsilon)
            let words = modules.linear(names.words)
            let bias = try headBias(NamedShape(name: names.words + ".bias", shape: [words.outputs]))
            let weight = architecture.tiesEmbeddings ? table : try parameter(words.weight)
            return MaskedHead(
                transform: Projection([transform]), activation: stack.hasTanhGELU ? .tanh : .erf,
                words: VocabularyHead(norm: norm, weight: weight, bias: bias))
        case .classification, .regression:
            let hidden =
                isRoBERTa
                ? Projection([try headLinear("classifier.dense", savedAs: "classifier", always: true)])
                : try pooler(path + "pooler.dense")
            return try classHead(
                looks: .first, hidden: hidden, isRoBERTa ? "classifier.out_proj" : "classifier", savedAs: "classifier")
        case .tokenClassification:
            return try classHead(looks: .each, "classifier", savedAs: "classifier")
        }
    }
}
