package import Kernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Classes, or a value, for rows or for tokens: perhaps a norm, perhaps a layer with an activation, and a layer whose outputs are the
/// scores.
package struct ClassHead<R: Real>: Head {
    /// Which of a row's tokens are looked at.
    package enum Looks: Hashable, Sendable {
        /// The first, for the row.
        case first
        /// The last, for the row.
        case last
        /// Each, for itself.
        case each
    }

    /// What answers are held against.
    package enum Measure: Hashable, Sendable {
        /// −ln p(class).
        case likelihood
        /// The square of what the value is off.
        case square
    }

    /// What comes after a layer before the last.
    package enum Activation: Hashable, Sendable {
        case tanh
        /// max(x, 0).
        case relu

        fileprivate func value(_ x: R) -> R {
            switch self {
            case .tanh: R(tanhOf(Double(x)))
            case .relu: max(x, 0)
            }
        }

        /// The slope where the value is `y`.
        fileprivate func slope(_ y: R) -> R {
            switch self {
            case .tanh: 1 - y * y
            case .relu: y > 0 ? 1 : 0
            }
        }
    }

    private let norm: (any Norm<R>)?
    private let looks: Looks
    private let hidden: Projection<R>?
    private let activation: Activation
    private let output: Projection<R>
    private let measure: Measure

    /// - Parameter hidden: A layer before the last, with the activation after it.
    package init(
        norm: (any Norm<R>)? = nil, looks: Looks, hidden: Projection<R>? = nil,
        activation: Activation = .tanh, output: Projection<R>, measure: Measure
    ) {
        self.norm = norm
        self.looks = looks
        self.hidden = hidden
        self.activation = activation
        self.output = output
        self.measure = measure
    }

    private struct Kept {
        let chosen: Matrix<R>
        let statistics: NormStatistics<R>?
        /// After the norm, where there is one.
        let normed: Matrix<R>
        /// After the activation, where there is a layer before the last.
        let inner: Matrix<R>
        let saved: (hidden: Saved<R>?, output: Saved<R>)
    }

    private func forward(_ chosen: Matrix<R>, _ pass: Pass<R>) -> (logits: Matrix<R>, Kept) {
        let engine = pass.engine
        let (normed, statistics) = norm.map { $0.forward(chosen, engine) } ?? (chosen, nil)
        var inner = normed
        var saved: Saved<R>?
        if let hidden {
            let (outputs, kept) = hidden.forward(normed, pass)
            inner = outputs[0]
            saved = kept
            inner.copy(from: Matrix(rows: inner.rows, columns: inner.columns, inner.values.map(activation.value)))
        }
        let (outputs, outputSaved) = output.forward(inner, pass)
        return (
            outputs[0],
            Kept(chosen: chosen, statistics: statistics, normed: normed, inner: inner, saved: (saved, outputSaved))
        )
    }

    package func loss(
        _ x: Matrix<R>, addedTo sum: LossSum, scale: R, gradient: Matrix<R>?, _ pass: Pass<R>
    ) -> LossSum {
        gradient?.fill(0)
        let places = looks == .each ? pass.batch.labeled : Array(0..<x.rows)
        guard !places.isEmpty else { return sum }
        let asked = looks == .each ? places.map { Double(pass.batch.labels[$0]) } : pass.batch.targets
        let own = looks == .each ? pass.of(places) : pass.oneOfEachRow
        let (logits, kept) = forward(looks == .each ? pass.engine.gather(places, of: x) : x, own)
        let loss = measure(logits, asked, addedTo: sum, scale: scale)
        guard let gradient else { return loss }
        let engine = pass.engine
        let innerGradient = own.matrix(columns: output.inputs)
        output.backward(
            input: kept.inner, gradients: [logits], saved: kept.saved.output, into: innerGradient, own)
        var inward = innerGradient
        if let hidden, let saved = kept.saved.hidden {
            let slopes = zip(innerGradient.values, kept.inner.values).map { $0 * activation.slope($1) }
            inward = own.matrix(columns: hidden.inputs)
            hidden.backward(
                input: kept.normed,
                gradients: [Matrix(rows: innerGradient.rows, columns: innerGradient.columns, slopes)], saved: saved,
                into: inward, own)
        }
        if let norm, let statistics = kept.statistics {
            let chosenGradient = own.matrix(columns: x.columns)
            chosenGradient.fill(0)
            norm.backward(kept.chosen, statistics, gradient: inward, addingTo: chosenGradient, engine)
            inward = chosenGradient
        }
        engine.scatter(inward, to: places, of: gradient)
        return loss
    }

    package func logits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        forward(x, looks == .each ? pass : pass.oneOfEachRow).logits
    }

    package func places(in batch: Batch) -> [Int]? {
        switch looks {
        case .first: batch.segments.map(\.lowerBound)
        case .last: batch.segments.map { $0.upperBound - 1 }
        case .each: nil
        }
    }

    /// The loss of scores at what is asked, added to `sum`; they become its gradient times `scale`.
    private func measure(_ logits: Matrix<R>, _ asked: [Double], addedTo sum: LossSum, scale: R) -> LossSum {
        precondition(asked.count == logits.rows, "rows of another task")
        var sum = sum
        for (row, target) in asked.enumerated() {
            sum.count += 1
            switch measure {
            case .square:
                let difference = Double(logits[row, 0]) - target
                sum.loss += difference * difference
                sum.answers.append((Double(logits[row, 0]), target))
                logits[row, 0] = R(2 * difference) * scale
            case .likelihood:
                let scores = (0..<logits.columns).map { Double(logits[row, $0]) }
                let highest = scores.max() ?? 0
                let total = scores.reduce(0) { $0 + exp($1 - highest) }
                let label = Int(target)
                sum.loss += log(total) + (highest - scores[label])
                let likeliest = scores.firstIndex(of: highest) ?? 0
                if likeliest == label { sum.correct += 1 }
                sum.answers.append((Double(likeliest), target))
                for (column, score) in scores.enumerated() {
                    let share = exp(score - highest) / total
                    logits[row, column] = R(share - (column == label ? 1 : 0)) * scale
                }
            }
        }
        return sum
    }
}

/// The C library's, which the name of an activation would hide.
private func tanhOf(_ x: Double) -> Double { tanh(x) }

extension Pass {
    /// The same walk for some tokens by themselves.
    fileprivate func of(_ places: [Int]) -> Pass {
        let part = Batch(
            tokens: places.map { batch.tokens[$0] }, labels: places.map { batch.labels[$0] },
            positions: places.map { _ in 0 }, segments: places.indices.map { $0..<$0 + 1 })
        return Pass(engine, part, tape: tape, dropoutKey: dropoutKey)
    }
}
