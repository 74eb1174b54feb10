public import Kernels

/// What a model makes of a batch's labels.
public struct LossSum: Sendable {
    /// −Σ ln p(label), in nats.
    public var loss: Double
    /// How many labels there were.
    public var count: Int
    /// How many of them the model thought the likeliest.
    public var correct: Int

    public init(loss: Double = 0, count: Int = 0, correct: Int = 0) {
        self.loss = loss
        self.count = count
        self.correct = correct
    }

    public var mean: Double { loss / Double(max(1, count)) }
    public var accuracy: Double { Double(correct) / Double(max(1, count)) }
}

/// The last norm, and the next token's distribution where something is asked: elsewhere nothing is computed.
public struct CausalHead<R: Real>: Sendable {
    public let norm: RMSNorm<R>
    /// [vocabulary, d]: the table of embeddings where they are tied.
    public let weight: BaseParameter<R>

    public init(norm: RMSNorm<R>, weight: BaseParameter<R>) {
        self.norm = norm
        self.weight = weight
    }

    /// The loss of x [tokens, d] at the labels, added to `sum`. Where `gradient` is given, it becomes that of x, for the loss's sum times
    /// `scale`, and the parameters' gradients are added to.
    public func loss(
        _ x: Matrix<R>, addedTo sum: LossSum, scale: R, gradient: Matrix<R>?, _ pass: Pass<R>
    ) -> LossSum {
        let engine = pass.engine
        let labeled = pass.batch.labeled
        gradient?.fill(0)
        guard !labeled.isEmpty else { return sum }
        let asked = engine.gather(labeled, of: x)
        let (normed, inverse) = norm.forward(asked, engine)
        let normedGradient = gradient.map { _ in engine.workspace.matrix(rows: labeled.count, columns: x.columns) }
        let (loss, correct) = engine.crossEntropy(
            normed, head: weight.weight, labels: labeled.map { pass.batch.labels[$0] }, scale: scale,
            continuing: sum.loss, gradient: normedGradient,
            headGradient: gradient == nil ? nil : weight.trained?.gradient)
        if let gradient, let normedGradient {
            let askedGradient = engine.workspace.matrix(rows: labeled.count, columns: x.columns)
            askedGradient.fill(0)
            norm.backward(asked, inverse: inverse, gradient: normedGradient, addingTo: askedGradient, engine)
            engine.scatter(askedGradient, to: labeled, of: gradient)
        }
        return LossSum(loss: loss, count: sum.count + labeled.count, correct: sum.correct + correct)
    }

    /// The logits [tokens, vocabulary] of x.
    public func logits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let logits = pass.matrix(columns: weight.weight.rows)
        pass.engine.multiply(
            [Term(norm.forward(x, pass.engine).y, weight.weight, transposed: true)], from: .zero, into: logits)
        return logits
    }
}
