package import Architectures
package import Checkpoints
package import Diagnostics
package import Kernels
package import Layers

/// A model: embeddings, blocks, and the head of a task.
package final class Network<R: Real>: @unchecked Sendable {
    package let architecture: NetworkArchitecture
    package let sites: Sites<R>
    private let embedding: Embedding<R>
    private let blocks: [Block<R>]
    private let head: any Head<R>

    /// The most virtual tokens that there is room for in front of a row.
    static var longestPrompt: Int { 1024 }

    /// The model in a folder, for rows of at most `length` tokens; its task is that of its config.
    ///
    /// Throws as ``init(_:_:length:seed:)`` does, and ``Failure/Code/unknownArchitecture``.
    package convenience init(of base: Checkpoint, length: Int) throws(Failure) {
        try self.init(NetworkArchitecture(of: base), WeightStore(base), length: length)
    }

    /// Builds it over the weights in `store`, which stay where they are, for rows of at most `length` tokens. What the base
    /// lacks of the head is drawn with `seed`; all of a head for classes or values where it `makesHead`.
    ///
    /// Throws ``Failure/Code/baseIncompatible`` where the base is not as its config says.
    package init(
        _ architecture: NetworkArchitecture, _ store: WeightStore, length: Int, seed: UInt64 = 0,
        makesHead: Bool = false
    ) throws(Failure) {
        self.architecture = architecture
        var parts = NetworkParts<R>(architecture, store, seed: seed, makesHead: makesHead)
        switch architecture.family {
        case .decoder(let decoder): (embedding, blocks, head) = try parts.decoder(decoder, length: length)
        case .gpt2(let stack): (embedding, blocks, head) = try parts.gpt2(stack)
        case .encoder(let stack) where architecture.modelType == "distilbert":
            (embedding, blocks, head) = try parts.distilBERT(stack)
        case .encoder(let stack): (embedding, blocks, head) = try parts.encoder(stack)
        }
        sites = Sites(
            projections: parts.projections, attentions: blocks.map(\.attention), subLayers: blocks.flatMap(\.subLayers),
            embedding: embedding, parameters: parts.parameters, norms: parts.norms, saved: parts.saved,
            headPaths: parts.headPaths, takesVirtualTokens: architecture.takesVirtualTokens)
    }

    /// How many virtual tokens a method puts in front of every row.
    package var virtualTokens: Int { embedding.insertion?.virtualTokens ?? 0 }

    /// The loss of a batch, added to `sum`; gradients are left alone.
    package func loss(_ batch: Batch, addedTo sum: LossSum = LossSum(), _ engine: Engine<R>) -> LossSum {
        let pass = pass(batch, engine)
        return head.loss(hidden(pass, head.places(in: pass.batch)), addedTo: sum, scale: 1, gradient: nil, pass)
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
        let places = head.places(in: pass.batch)
        let ownGradient = places.map {
            engine.workspace.matrix(rows: $0.count, columns: architecture.hiddenSize)
        }
        let x = hidden(pass, places, gradient: gradient, outputGradient: ownGradient, checkpoints: checkpoints)
        let loss = head.loss(x, addedTo: sum, scale: scale, gradient: ownGradient ?? gradient, pass)
        tape.runBackward()
        if isLast {
            embedding.finishGradients(engine)
            sites.sources.makeBackward(engine)
        }
        return loss
    }

    /// The head's scores of a batch: [tokens, …] with virtual tokens included, or [rows, …].
    package func logits(_ batch: Batch, _ engine: Engine<R>) -> Matrix<R> {
        let pass = pass(batch, engine)
        return head.logits(hidden(pass, head.places(in: pass.batch)), pass)
    }

    /// A cache for rows of at most `length` tokens, with room for those that a method puts in front of them. What methods
    /// make of their numbers is made now, so they must not change as long as it is used.
    package func cache(places: Int, length: Int, _ engine: Engine<R>) -> KeyValueCache<R> {
        sites.sources.make(engine)
        return KeyValueCache(sites.attentions, places: places, length: length + virtualTokens, engine)
    }

    /// The scores of what follows rows, [rows, vocabulary], given the tokens that come after those which the cache holds
    /// of them. It holds these too then.
    package func nextLogits(_ rows: [CachedRow], _ cache: KeyValueCache<R>, _ engine: Engine<R>) -> Matrix<R> {
        let batch = cache.batch(rows, virtualTokens: virtualTokens)
        let places = rows.map(\.place)
        let pass = Pass(engine, batch, cached: CachedPlaces(cache, places))
        let x = hidden(pass, nil)
        cache.advance(places, batch)
        return head.lastLogits(x, pass)
    }

    private func pass(
        _ batch: Batch, tape: Tape? = nil, dropoutKey: UInt64? = nil, _ engine: Engine<R>
    ) -> Pass<R> {
        sites.sources.make(engine)
        return Pass(engine, batch.withVirtualTokens(virtualTokens), tape: tape, dropoutKey: dropoutKey)
    }

    /// What the blocks make of the batch, or of its tokens at `places`. Only those above the lowest that is trained record
    /// what backward needs; `gradient` is theirs, and the embeddings', which `outputGradient`, that of the tokens at `places`,
    /// is turned into.
    private func hidden(
        _ pass: Pass<R>, _ places: [Int]?, gradient: Matrix<R>? = nil, outputGradient: Matrix<R>? = nil,
        checkpoints: Bool = false
    ) -> Matrix<R> {
        let lowest = embedding.isTrained ? -1 : blocks.firstIndex { $0.isTrained } ?? blocks.count
        var x = embedding.forward(gradient: gradient, pass)
        for (place, block) in blocks.enumerated() {
            let own = place >= lowest ? gradient : nil
            if let places, place == blocks.count - 1, block.canNarrow {
                return block.narrowed(
                    x, to: places, gradient: own, outputGradient: outputGradient, isLowest: place == lowest,
                    isCheckpointed: checkpoints, pass)
            }
            x = block.forward(x, gradient: own, isLowest: place == lowest, isCheckpointed: checkpoints, pass)
        }
        guard let places else { return x }
        if let gradient, let outputGradient {
            pass.tape?.record {
                gradient.fill(0)
                pass.engine.scatter(outputGradient, to: places, of: gradient)
            }
        }
        return pass.engine.gather(places, of: x)
    }
}
