import Kernels

/// The last block of a model of which only some tokens are looked at: nothing else is computed of it than what these need.
extension Pass {
    /// The same walk, of which only the tokens at these places are wanted: one of each row.
    func narrowed(to places: [Int]) -> Pass {
        precondition(places.count == batch.segments.count)
        var pass = self
        pass.chosen = places
        return pass
    }

    /// The walk behind what narrows: of the chosen tokens alone.
    var behind: Pass { chosen == nil ? self : oneOfEachRow }
}

extension SubLayer {
    /// Whether it can be narrowed: nothing is done before or after the body that looks at all tokens.
    var canNarrow: Bool { site.isEmpty && body.canNarrow }

    /// What ``forward(_:_:)`` makes of the tokens that a pass has chosen, from all of x.
    func narrowed(_ x: Matrix<R>, chosen: [Int], _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        let engine = pass.engine
        let residual = engine.gather(chosen, of: x)
        switch place {
        case .before:
            let (normed, statistics) = norm.forward(x, engine)
            let (output, saved) = body.forward(normed, residual: residual, pass)
            return (output, Saved(statistics: statistics, body: saved, insertions: Layers.Saved<R>()))
        case .after:
            let (sum, saved) = body.forward(x, residual: residual, pass)
            let (output, statistics) = norm.forward(sum, engine)
            return (output, Saved(statistics: statistics, sum: sum, body: saved, insertions: Layers.Saved<R>()))
        }
    }

    /// Writes the gradient of x into `inputGradient`, given that of the chosen tokens' outputs, which is used up; unless it
    /// `needsInput`, it finds the parameters' gradients alone.
    func narrowedBackward(
        _ x: Matrix<R>, chosen: [Int], gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>,
        needsInput: Bool, _ pass: Pass<R>
    ) {
        guard needsInput || isTrained else { return }
        let engine = pass.engine
        switch place {
        case .before:
            inputGradient.fill(0)
            engine.scatter(gradient, to: chosen, of: inputGradient)
            let normed = norm.forward(x, engine).y
            let inward = needsInput || norm.isTrained ? pass.matrix(columns: x.columns) : nil
            body.backward(normed, gradient: gradient, saved: saved.body, into: inward, pass)
            if let inward { norm.backward(x, saved.statistics, gradient: inward, addingTo: inputGradient, engine) }
        case .after:
            guard let sum = saved.sum else { preconditionFailure("a pass of another place") }
            let sumGradient = engine.workspace.matrix(rows: gradient.rows, columns: gradient.columns)
            sumGradient.fill(0)
            norm.backward(sum, saved.statistics, gradient: gradient, addingTo: sumGradient, engine)
            body.backward(x, gradient: sumGradient, saved: saved.body, into: needsInput ? inputGradient : nil, pass)
            guard needsInput else { return }
            for (place, row) in chosen.enumerated() {
                engine.add(sumGradient.rows(place..<place + 1), into: inputGradient.rows(row..<row + 1))
            }
        }
    }
}
