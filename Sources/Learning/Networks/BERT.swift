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
        var blocks: [Block<R>] = []
        for layer in 0..<architecture.layers {
            let block = path + "encoder.layer.\(layer)."
            let names = EncoderBlockNames(
                attention: block + "attention.self",
                queryKeyValue: ["query", "key", "value"].map { block + "attention.self." + $0 },
                output: block + "attention.output.dense", attentionNorm: block + "attention.output.LayerNorm",
                mlp: block + "output", inner: block + "intermediate.dense", outer: block + "output.dense",
                mlpNorm: block + "output.LayerNorm")
            blocks.append(try encoderBlock(names, stack))
        }
        return (embedding, blocks, try encoderHead(stack, path, table: table))
    }

    /// Attention and MLP, each with a norm after its sum.
    mutating func encoderBlock(_ names: EncoderBlockNames, _ stack: NormedStack) throws(Failure) -> Block<R> {
        let sizes = architecture.stack
        let attention = SelfAttention(
            path: names.attention, queryKeyValue: try projection(names.queryKeyValue),
            output: try projection([names.output]),
            shape: AttentionShape(
                heads: sizes.heads, keyHeads: sizes.keyHeads, headSize: sizes.headSize, isCausal: false))
        let attentionNorm = try layerNorm(names.attentionNorm, epsilon: stack.epsilon)
        let mlp = MLP(
            path: names.mlp, inner: try projection([names.inner]),
            activation: .gelu(stack.hasTanhGELU ? .tanh : .erf), outer: try projection([names.outer]))
        let mlpNorm = try layerNorm(names.mlpNorm, epsilon: stack.epsilon)
        return Block(attentionNorm: attentionNorm, attention: attention, mlpNorm: mlpNorm, mlp: mlp, norms: .after)
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
            return try maskedHead(names, stack, table: table)
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

    /// Scores of all words for each token, by a layer of its own, a norm, and a matrix that may be that of the embeddings.
    mutating func maskedHead(
        _ names: (dense: String, norm: String, words: String), _ stack: NormedStack, table: BaseParameter<R>
    ) throws(Failure) -> any Head<R> {
        let transform = try headLinear(names.dense, savedAs: names.dense, always: false)
        let norm = try headNorm(names.norm, epsilon: stack.epsilon)
        let words = modules.linear(names.words)
        let bias = try headBias(NamedShape(name: names.words + ".bias", shape: [words.outputs]))
        let weight = architecture.tiesEmbeddings ? table : try parameter(words.weight)
        return MaskedHead(
            transform: Projection([transform]), activation: stack.hasTanhGELU ? .tanh : .erf,
            words: VocabularyHead(norm: norm, weight: weight, bias: bias))
    }
}

/// The paths of an encoder's block.
struct EncoderBlockNames {
    let attention: String
    let queryKeyValue: [String]
    let output: String
    let attentionNorm: String
    let mlp: String
    let inner: String
    let outer: String
    let mlpNorm: String
}
