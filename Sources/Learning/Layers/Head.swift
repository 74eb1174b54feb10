package import Kernels

/// What a model makes of a batch's questions.
package struct LossSum: Sendable {
    /// The sum of the losses: −ln p(label) in nats, or squares of what a value is off.
    package var loss: Double
    /// How many questions there were.
    package var count: Int
    /// To how many of them the model thought the label the likeliest answer.
    package var correct: Int

    package init(loss: Double = 0, count: Int = 0, correct: Int = 0) {
        self.loss = loss
        self.count = count
        self.correct = correct
    }

    package var mean: Double { loss / Double(max(1, count)) }
    package var accuracy: Double { Double(correct) / Double(max(1, count)) }
}

/// What a model ends in: it makes answers of what the blocks give.
package protocol Head<R>: Sendable {
    associatedtype R: Real

    /// The token of each row that the head looks at alone; nil where it looks at all. Then its x has a row for each of these.
    func places(in batch: Batch) -> [Int]?

    /// The loss of x [tokens, d] at what the batch asks, added to `sum`. Where `gradient` is given, it becomes that of x, for
    /// the loss's sum times `scale`, and the parameters' gradients are added to.
    func loss(
        _ x: Matrix<R>, addedTo sum: LossSum, scale: R, gradient: Matrix<R>?, _ pass: Pass<R>
    ) -> LossSum

    /// The scores of all that can be asked: a row for each token, or for each row of tokens.
    func logits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R>
}

extension Head {
    package func places(in batch: Batch) -> [Int]? { nil }
}
