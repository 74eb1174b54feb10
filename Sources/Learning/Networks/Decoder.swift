package import Architectures
package import Checkpoints
package import Diagnostics
package import Kernels
package import Layers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A causal language model of the LLaMA family.
package final class Decoder<R: Real>: @unchecked Sendable {
    package let architecture: DecoderArchitecture
    package let sites: Sites<R>
    private let embedding: Embedding<R>
    private let blocks: [DecoderBlock<R>]
    private let head: CausalHead<R>

    /// The most virtual tokens that there is room for in front of a row.
    private static var longestPrompt: Int { 1024 }

    /// The model in a folder, for rows of at most `length` tokens.
    ///
    /// Throws as ``init(_:_:length:)`` does, and ``Failure/Code/unknownArchitecture``.
    package convenience init(of base: Checkpoint, length: Int) throws(Failure) {
        try self.init(DecoderArchitecture(of: base), WeightStore(base), length: length)
    }

    /// Builds it over the weights in `store`, which stay where they are, for rows of at most `length` tokens.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base is not as its config says.
    package init(_ architecture: DecoderArchitecture, _ store: WeightStore, length: Int) throws(Failure) {
        self.architecture = architecture
        var parts = Parts<R>(store)
        embedding = Embedding(
            table: try parts.parameter(architecture.embedding), isTied: architecture.tiesEmbeddings)
        let rotary = RotaryTable<R>(architecture.rotary, length: length + Self.longestPrompt)
        let shape = AttentionShape(
            heads: architecture.heads, keyHeads: architecture.keyHeads, headSize: architecture.headSize,
            window: architecture.window)
        var blocks: [DecoderBlock<R>] = []
        for layer in 0..<architecture.layers {
            let tensors = architecture.block(layer)
            let attentionNorm = RMSNorm(
                weight: try parts.parameter(tensors.attentionNorm), epsilon: R(architecture.epsilon))
            let queryKeyValue = try parts.projection(tensors.queryKeyValue)
            let output = try parts.projection([tensors.output])
            let mlpNorm = RMSNorm(weight: try parts.parameter(tensors.mlpNorm), epsilon: R(architecture.epsilon))
            blocks.append(
                DecoderBlock(
                    attentionNorm: attentionNorm,
                    attention: SelfAttention(
                        path: tensors.attention, queryKeyValue: queryKeyValue, output: output, shape: shape,
                        rotary: rotary),
                    mlpNorm: mlpNorm,
                    mlp: GatedMLP(
                        path: tensors.mlp, gateUp: try parts.projection(tensors.gateUp),
                        down: try parts.projection([tensors.down]))))
        }
        self.blocks = blocks
        let norm = RMSNorm(weight: try parts.parameter(architecture.norm), epsilon: R(architecture.epsilon))
        // Files of tied models may hold the head all the same; it is not read.
        let weight = architecture.tiesEmbeddings ? embedding.table : try parts.parameter(architecture.head)
        head = CausalHead(norm: norm, weight: weight)
        sites = Sites(
            projections: parts.projections, attentions: blocks.map(\.attention), subLayers: blocks.flatMap(\.subLayers),
            embedding: embedding, parameters: parts.parameters)
    }

    /// How many virtual tokens a method puts in front of every row.
    package var virtualTokens: Int { embedding.insertion?.virtualTokens ?? 0 }

    /// The loss of a batch, added to `sum`; gradients are left alone.
    package func loss(_ batch: Batch, addedTo sum: LossSum = LossSum(), _ engine: Engine<R>) -> LossSum {
        let pass = pass(batch, engine)
        return head.loss(hidden(pass, gradient: nil), addedTo: sum, scale: 1, gradient: nil, pass)
    }

    /// The loss of a batch, added to `sum`; the gradient of its own sum times `scale` is added to what is trained. With
    /// `checkpoints` blocks keep their input alone, and compute the rest again. Gradients are whole after the pass that
    /// `isLast` of its step.
    package func lossAndGradient(
        _ batch: Batch, addedTo sum: LossSum = LossSum(), scale: R, dropoutKey: UInt64? = nil,
        checkpoints: Bool = false, isLast: Bool = true, _ engine: Engine<R>
    ) -> LossSum {
        let tape = Tape()
        let pass = pass(batch, tape: tape, dropoutKey: dropoutKey, engine)
        let gradient = pass.matrix(columns: architecture.hiddenSize)
        let x = hidden(pass, gradient: gradient, checkpoints: checkpoints)
        let loss = head.loss(x, addedTo: sum, scale: scale, gradient: gradient, pass)
        tape.runBackward()
        if isLast {
            embedding.finishGradients(engine)
            sites.sources.makeBackward(engine)
        }
        return loss
    }

    /// The logits [tokens, vocabulary] of a batch, virtual tokens included.
    package func logits(_ batch: Batch, _ engine: Engine<R>) -> Matrix<R> {
        let pass = pass(batch, engine)
        return head.logits(hidden(pass, gradient: nil), pass)
    }

    private func pass(
        _ batch: Batch, tape: Tape? = nil, dropoutKey: UInt64? = nil, _ engine: Engine<R>
    ) -> Pass<R> {
        sites.sources.make(engine)
        return Pass(engine, batch.withVirtualTokens(virtualTokens), tape: tape, dropoutKey: dropoutKey)
    }

    /// What the blocks make of the batch. Only those above the lowest that is trained record what backward needs.
    private func hidden(_ pass: Pass<R>, gradient: Matrix<R>?, checkpoints: Bool = false) -> Matrix<R> {
        let lowest = embedding.isTrained ? -1 : blocks.firstIndex { $0.isTrained } ?? blocks.count
        var x = embedding.forward(gradient: gradient, pass)
        for (place, block) in blocks.enumerated() {
            x = block.forward(
                x, gradient: place >= lowest ? gradient : nil, isLowest: place == lowest,
                isCheckpointed: checkpoints, pass)
        }
        return x
    }
}

/// Collects what a model is made of while it is built.
private struct Parts<R: Real> {
    private let store: WeightStore
    private(set) var parameters: [BaseParameter<R>] = []
    private(set) var projections: [Projection<R>] = []

    init(_ store: WeightStore) {
        self.store = store
    }

    mutating func parameter(_ tensor: NamedShape) throws(Failure) -> BaseParameter<R> {
        let parameter = try store.parameter(tensor, R.self)
        parameters.append(parameter)
        return parameter
    }

    mutating func projection(_ shapes: [LinearShape]) throws(Failure) -> Projection<R> {
        var linears: [Linear<R>] = []
        for shape in shapes {
            linears.append(
                Linear(
                    path: shape.path, weight: try parameter(shape.weight),
                    bias: try shape.bias.map { bias throws(Failure) in try parameter(bias) }))
        }
        let projection = Projection(linears)
        projections.append(projection)
        return projection
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
