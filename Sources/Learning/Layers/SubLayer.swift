import Kernels

/// What a block adds to the residual stream, but for its norm.
protocol SubLayerBody<R>: Sendable {
    associatedtype R: Real
    /// What a forward pass keeps for backward.
    associatedtype Saved: Sendable

    /// Whether its backward has gradients to find, not only to pass on.
    var isTrained: Bool { get }
    /// Whether it can make the outputs of the tokens alone that a pass has chosen, from all of x.
    var canNarrow: Bool { get }

    /// What it makes of x [tokens, d], added to `residual` where that is given, and what backward needs.
    func forward(_ x: Matrix<R>, residual: Matrix<R>?, _ pass: Pass<R>) -> (Matrix<R>, Saved)

    /// Adds to the gradients of what is trained here, and writes that of x into `inputGradient` where it is given.
    /// `gradient` is that of the output; it is kept, while what was saved is used up.
    func backward(
        _ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>?, _ pass: Pass<R>)
}

/// Where a block's norms are.
package enum NormPlace: Hashable, Sendable {
    /// x + body(norm(x)), as in GPT-2 and LLaMA.
    case before
    /// norm(x + body(x)), as in BERT.
    case after
}

/// One half of a block, with what methods do before and after the body.
struct SubLayer<Body: SubLayerBody>: Sendable {
    typealias R = Body.R

    let norm: any Norm<R>
    let place: NormPlace
    let body: Body
    let site: SubLayerSite<R>

    struct Saved: Sendable {
        let statistics: NormStatistics<R>
        /// What a norm after it was given.
        var sum: Matrix<R>?
        let body: Body.Saved
        let insertions: Layers.Saved<R>
    }

    var isTrained: Bool { norm.isTrained || body.isTrained || site.isTrained }

    func forward(_ x: Matrix<R>, _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        switch place {
        case .before:
            let (normed, statistics) = norm.forward(x, pass.engine)
            let (output, saved, insertions) = sum(of: normed, and: x, pass)
            return (output, Saved(statistics: statistics, body: saved, insertions: insertions))
        case .after:
            let (sum, saved, insertions) = sum(of: x, and: x, pass)
            let (output, statistics) = norm.forward(sum, pass.engine)
            return (output, Saved(statistics: statistics, sum: sum, body: saved, insertions: insertions))
        }
    }

    /// What the body makes of `input`, added to the residual stream.
    private func sum(
        of input: Matrix<R>, and residual: Matrix<R>, _ pass: Pass<R>
    ) -> (Matrix<R>, Body.Saved, Layers.Saved<R>) {
        let changesOutput = site.changesOutput
        let (output, saved) = body.forward(
            site.changedInput(input, pass), residual: changesOutput ? nil : residual, pass)
        var insertions = Layers.Saved<R>()
        if changesOutput {
            site.changeOutput(output, input: input, saving: &insertions, pass)
            pass.engine.add(residual, into: output)
        }
        return (output, saved, insertions)
    }

    /// Turns `gradient`, that of the output, into that of x in place: the residual stream's passes untouched but for a norm
    /// after the sum, and what comes through the body is added to it. Unless it `needsInput`, it finds the parameters'
    /// gradients alone.
    func backward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, needsInput: Bool, _ pass: Pass<R>) {
        guard needsInput || isTrained else { return }
        let engine = pass.engine
        switch place {
        case .before:
            let normed = norm.forward(x, engine).y
            let inward = bodyBackward(
                normed, gradient: gradient, saved, needsInput: needsInput || norm.isTrained, pass)
            if let inward { norm.backward(x, saved.statistics, gradient: inward, addingTo: gradient, engine) }
        case .after:
            guard let sum = saved.sum else { preconditionFailure("a pass of another place") }
            let sumGradient = pass.matrix(columns: gradient.columns)
            sumGradient.fill(0)
            norm.backward(sum, saved.statistics, gradient: gradient, addingTo: sumGradient, engine)
            gradient.copy(from: sumGradient)
            if let inward = bodyBackward(x, gradient: gradient, saved, needsInput: needsInput, pass) {
                engine.add(inward, into: gradient)
            }
        }
    }

    /// The gradient of what the body was given, where `needsInput` says that it is wanted; that of the sum stays.
    private func bodyBackward(
        _ input: Matrix<R>, gradient: Matrix<R>, _ saved: Saved, needsInput: Bool, _ pass: Pass<R>
    ) -> Matrix<R>? {
        var outward = gradient
        var beside: [Matrix<R>] = []
        if site.changesOutput {
            outward = pass.matrix(columns: gradient.columns)
            outward.copy(from: gradient)
            beside = site.changeOutputBackward(
                outward, input: input, saved: saved.insertions, needsInputGradient: needsInput, pass)
        }
        let needsBodyInput = needsInput || site.isTrainedBelow
        guard needsBodyInput || body.isTrained else { return nil }
        let inputGradient = needsBodyInput ? pass.matrix(columns: input.columns) : nil
        body.backward(
            site.changedInput(input, pass), gradient: outward, saved: saved.body, into: inputGradient, pass)
        guard let inputGradient else { return nil }
        site.changeInputBackward(input, gradient: inputGradient, pass)
        guard needsInput else { return nil }
        for more in beside { pass.engine.add(more, into: inputGradient) }
        return inputGradient
    }
}
