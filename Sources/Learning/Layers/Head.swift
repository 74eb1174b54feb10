package import Kernels

/// What a model makes of a batch's questions.
package struct LossSum: Sendable {
    /// The sum of the losses: −ln p(label) in nats, or squares of what a value is off.
    package var loss: Double
    /// How many questions there were.
    package var count: Int
    /// To how many of them the model thought the label the likeliest answer.
    package var correct = 0
    /// In how many rows all that was asked was answered so.
    package var exactRows = 0
    /// How many rows asked for tokens.
    package var rows = 0
    /// Classes or values that were given, beside those that were asked for.
    package var answers: [(given: Double, asked: Double)] = []

    package init(loss: Double = 0, count: Int = 0) {
        self.loss = loss
        self.count = count
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

    /// The scores at the last token of each row: [rows, …].
    package func lastLogits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let last = pass.engine.gather(pass.batch.segments.map { $0.upperBound - 1 }, of: x)
        return logits(last, pass.oneOfEachRow)
    }
}
