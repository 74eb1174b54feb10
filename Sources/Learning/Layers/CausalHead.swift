package import Kernels

/// What a model makes of a batch's labels.
package struct LossSum: Sendable {
    /// −Σ ln p(label), in nats.
    package var loss: Double
    /// How many labels there were.
    package var count: Int
    /// How many of them the model thought the likeliest.
    package var correct: Int

    package init(loss: Double = 0, count: Int = 0, correct: Int = 0) {
        self.loss = loss
        self.count = count
        self.correct = correct
    }

    package var mean: Double { loss / Double(max(1, count)) }
    package var accuracy: Double { Double(correct) / Double(max(1, count)) }
}

/// The last norm, and the next token's distribution where something is asked: elsewhere nothing is computed.
package struct CausalHead<R: Real>: Sendable {
    package let norm: RMSNorm<R>
    /// [vocabulary, d]: the table of embeddings where they are tied.
    package let weight: BaseParameter<R>

    package init(norm: RMSNorm<R>, weight: BaseParameter<R>) {
        self.norm = norm
        self.weight = weight
    }

    /// The loss of x [tokens, d] at the labels, added to `sum`. Where `gradient` is given, it becomes that of x, for the loss's sum times
    /// `scale`, and the parameters' gradients are added to.
    package func loss(
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
    package func logits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let logits = pass.matrix(columns: weight.weight.rows)
        pass.engine.multiply(
            [Term(norm.forward(x, pass.engine).y, weight.weight, transposed: true)], from: .zero, into: logits)
        return logits
    }
}
