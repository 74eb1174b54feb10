import Architectures
import Diagnostics
import Kernels
import Layers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension NetworkParts {
    /// A model of the LLaMA family, for rows of at most `length` tokens.
    mutating func decoder(_ decoder: DecoderArchitecture, length: Int) throws(Failure) -> Built {
        let embedding = Embedding(
            table: try parameter(decoder.embedding, ownName: true), isTied: decoder.tiesEmbeddings)
        let rotary = RotaryTable<R>(decoder.rotary, length: length + Network<R>.longestPrompt)
        let shape = AttentionShape(
            heads: decoder.heads, keyHeads: decoder.keyHeads, headSize: decoder.headSize, window: decoder.window)
        var blocks: [Block<R>] = []
        for layer in 0..<decoder.layers {
            let tensors = decoder.block(layer)
            let attentionNorm = try rmsNorm(tensors.attentionNorm, epsilon: decoder.epsilon)
            let queryKeyValue = try projection(tensors.queryKeyValue, ownName: true)
            let output = try projection([tensors.output], ownName: true)
            let mlpNorm = try rmsNorm(tensors.mlpNorm, epsilon: decoder.epsilon)
            blocks.append(
                Block(
                    attentionNorm: attentionNorm,
                    attention: SelfAttention(
                        path: tensors.attention, queryKeyValue: queryKeyValue, output: output, shape: shape,
                        rotary: rotary),
                    mlpNorm: mlpNorm,
                    mlp: MLP(
                        path: tensors.mlp, inner: try projection(tensors.gateUp, ownName: true),
                        activation: .gatedSiLU, outer: try projection([tensors.down], ownName: true))))
        }
        let norm = try rmsNorm(decoder.norm, epsilon: decoder.epsilon)
        guard architecture.task == .causal else {
            return (embedding, blocks, try classHead(norm: norm, looks: .last, "score", savedAs: "score"))
        }
        // Files of tied models may hold the head all the same; it is not read.
        let weight = decoder.tiesEmbeddings ? embedding.table : try parameter(decoder.head, ownName: true)
        return (embedding, blocks, VocabularyHead(norm: norm, weight: weight))
    }
}

extension RotaryTable {
    /// The turns of the first `length` positions.
    fileprivate init(_ rotary: RotaryEmbedding, length: Int) {
        let pairs = rotary.frequencies.count
        let angles = (0..<length * pairs).map { Double($0 / pairs) * rotary.frequencies[$0 % pairs] }
        self.init(
            cosines: Matrix(rows: length, columns: pairs, angles.map { R(cos($0) * rotary.attentionFactor) }),
            sines: Matrix(rows: length, columns: pairs, angles.map { R(sin($0) * rotary.attentionFactor) }))
    }
}
