import Architectures
import Diagnostics
import Kernels
import Layers
import Tensors

extension NetworkParts {
    /// DistilBERT (Sanh et al., 2019): BERT's blocks under other names; classes come of a layer with ReLU and another.
    mutating func distilBERT(_ stack: NormedStack) throws(Failure) -> Built {
        let embeddings = "distilbert.embeddings."
        let table = try table(embeddings + "word_embeddings")
        let positions = try self.table(embeddings + "position_embeddings")
        let norm = try layerNorm(embeddings + "LayerNorm", epsilon: stack.epsilon)
        let embedding = Embedding(
            table: table, additions: EmbeddingAdditions(positions: positions, norm: norm),
            isTied: architecture.tiesEmbeddings)
        var blocks: [Block<R>] = []
        for layer in 0..<architecture.layers {
            let block = "distilbert.transformer.layer.\(layer)."
            let attention = block + "attention"
            let names = EncoderBlockNames(
                attention: attention, queryKeyValue: ["q_lin", "k_lin", "v_lin"].map { attention + "." + $0 },
                output: attention + ".out_lin", attentionNorm: block + "sa_layer_norm", mlp: block + "ffn",
                inner: block + "ffn.lin1", outer: block + "ffn.lin2", mlpNorm: block + "output_layer_norm")
            blocks.append(try encoderBlock(names, stack))
        }
        switch architecture.task {
        case .masked, .causal:
            let names = (dense: "vocab_transform", norm: "vocab_layer_norm", words: "vocab_projector")
            return (embedding, blocks, try maskedHead(names, stack, table: table))
        case .classification, .regression:
            let hidden = Projection([try headLinear("pre_classifier", savedAs: "classifier", always: true)])
            let head = try classHead(
                looks: .first, hidden: hidden, activation: .relu, "classifier", savedAs: "classifier")
            return (embedding, blocks, head)
        case .tokenClassification:
            return (embedding, blocks, try classHead(looks: .each, "classifier", savedAs: "classifier"))
        }
    }
}
