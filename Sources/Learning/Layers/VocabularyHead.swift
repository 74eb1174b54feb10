package import Kernels

/// A norm, and a distribution over all tokens where something is asked: elsewhere nothing is computed.
package struct VocabularyHead<R: Real>: Head {
    package let norm: any Norm<R>
    /// [vocabulary, d]: the table of embeddings where they are tied.
    package let weight: BaseParameter<R>
    /// [1, vocabulary], where there is one.
    package let bias: BaseParameter<R>?

    package init(norm: any Norm<R>, weight: BaseParameter<R>, bias: BaseParameter<R>? = nil) {
        self.norm = norm
        self.weight = weight
        self.bias = bias
    }

    package func loss(
        _ x: Matrix<R>, addedTo sum: LossSum, scale: R, gradient: Matrix<R>?, _ pass: Pass<R>
    ) -> LossSum {
        let engine = pass.engine
        let labeled = pass.batch.labeled
        gradient?.fill(0)
        guard !labeled.isEmpty else { return sum }
        let asked = engine.gather(labeled, of: x)
        let (normed, statistics) = norm.forward(asked, engine)
        let normedGradient = gradient.map { _ in engine.workspace.matrix(rows: labeled.count, columns: x.columns) }
        let (loss, right) = engine.crossEntropy(
            normed, head: weight.weight, bias: bias?.row, labels: labeled.map { pass.batch.labels[$0] }, scale: scale,
            continuing: sum.loss, gradient: normedGradient,
            headGradient: gradient == nil ? nil : weight.trained?.gradient,
            biasGradient: gradient == nil ? nil : bias?.trained?.gradient)
        if let gradient, let normedGradient {
            let askedGradient = engine.workspace.matrix(rows: labeled.count, columns: x.columns)
            askedGradient.fill(0)
            norm.backward(asked, statistics, gradient: normedGradient, addingTo: askedGradient, engine)
            engine.scatter(askedGradient, to: labeled, of: gradient)
        }
        var sum = sum
        sum.loss = loss
        sum.add(right, at: labeled, of: pass.batch.segments)
        return sum
    }

    package func logits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let logits = pass.matrix(columns: weight.weight.rows)
        let start = bias.map { Start.row($0.row) } ?? .zero
        pass.engine.multiply(
            [Term(norm.forward(x, pass.engine).y, weight.weight, transposed: true)], from: start, into: logits)
        return logits
    }
}

extension LossSum {
    /// Counts which labels, at some of the tokens, were thought the likeliest.
    fileprivate mutating func add(_ right: [Bool], at places: [Int], of segments: [Range<Int>]) {
        count += places.count
        correct += right.count { $0 }
        var next = 0
        for segment in segments {
            let first = next
            while next < places.count, places[next] < segment.upperBound { next += 1 }
            guard next > first else { continue }
            rows += 1
            if right[first..<next].allSatisfy(\.self) { exactRows += 1 }
        }
    }
}

/// The head of models that guess masked tokens: a layer and GELU before that over the vocabulary.
package struct MaskedHead<R: Real>: Head {
    private let transform: Projection<R>
    private let activation: GELU
    private let words: VocabularyHead<R>

    package init(transform: Projection<R>, activation: GELU, words: VocabularyHead<R>) {
        self.transform = transform
        self.activation = activation
        self.words = words
    }

    package func loss(
        _ x: Matrix<R>, addedTo sum: LossSum, scale: R, gradient: Matrix<R>?, _ pass: Pass<R>
    ) -> LossSum {
        let (inner, saved) = transform.forward(x, pass)
        let hidden = hidden(inner[0], pass)
        let hiddenGradient = gradient.map { pass.matrix(columns: $0.columns) }
        let loss = words.loss(hidden, addedTo: sum, scale: scale, gradient: hiddenGradient, pass)
        if let gradient, let hiddenGradient {
            pass.engine.geluBackward(inner[0], activation, gradient: hiddenGradient, into: hiddenGradient)
            transform.backward(input: x, gradients: [hiddenGradient], saved: saved, into: gradient, pass)
        }
        return loss
    }

    package func logits(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        words.logits(hidden(transform.forward(x, pass).outputs[0], pass), pass)
    }

    private func hidden(_ inner: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let hidden = pass.matrix(columns: inner.columns)
        pass.engine.gelu(inner, activation, into: hidden)
        return hidden
    }
}
