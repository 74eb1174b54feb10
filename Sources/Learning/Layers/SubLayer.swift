import Kernels

/// What a block adds to the residual stream, but for the norm before it.
protocol SubLayerBody<R>: Sendable {
    associatedtype R: Real
    /// What a forward pass keeps for backward.
    associatedtype Saved: Sendable

    /// Whether its backward has gradients to find, not only to pass on.
    var isTrained: Bool { get }

    /// What it makes of x [tokens, d], added to `residual` where that is given, and what backward needs.
    func forward(_ x: Matrix<R>, residual: Matrix<R>?, _ pass: Pass<R>) -> (Matrix<R>, Saved)

    /// Adds to the gradients of what is trained here, and writes that of x into `inputGradient` where it is given.
    /// `gradient` is that of the output; it is kept, while what was saved is used up.
    func backward(
        _ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>?, _ pass: Pass<R>)
}

/// One half of a pre-norm block: x + body(norm(x)), with what methods do before and after the body.
struct SubLayer<Body: SubLayerBody>: Sendable {
    typealias R = Body.R

    let norm: RMSNorm<R>
    let body: Body
    let site: SubLayerSite<R>

    struct Saved: Sendable {
        let inverse: Matrix<R>
        let body: Body.Saved
        let insertions: Layers.Saved<R>
    }

    var isTrained: Bool { norm.weight.isTrained || body.isTrained || site.isTrained }

    func forward(_ x: Matrix<R>, _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        let (normed, inverse) = norm.forward(x, pass.engine)
        let changesOutput = site.changesOutput
        let (output, saved) = body.forward(
            site.changedInput(normed, pass), residual: changesOutput ? nil : x, pass)
        var insertions = Layers.Saved<R>()
        if changesOutput {
            site.changeOutput(output, input: normed, saving: &insertions, pass)
            pass.engine.add(x, into: output)
        }
        return (output, Saved(inverse: inverse, body: saved, insertions: insertions))
    }

    /// Turns `gradient`, that of the output, into that of x in place: the residual stream's passes untouched, and what comes
    /// through the body is added to it. Unless it `needsInput`, it finds the parameters' gradients alone.
    func backward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, needsInput: Bool, _ pass: Pass<R>) {
        guard needsInput || isTrained else { return }
        let engine = pass.engine
        let needsNormed = needsInput || norm.weight.isTrained
        let normed = norm.forward(x, engine).y
        var outward = gradient
        var beside: [Matrix<R>] = []
        if site.changesOutput {
            outward = pass.matrix(columns: gradient.columns)
            outward.copy(from: gradient)
            beside = site.changeOutputBackward(
                outward, input: normed, saved: saved.insertions, needsInputGradient: needsNormed, pass)
        }
        let needsBodyInput = needsNormed || site.isTrainedBelow
        guard needsBodyInput || body.isTrained else { return }
        let inputGradient = needsBodyInput ? pass.matrix(columns: x.columns) : nil
        body.backward(
            site.changedInput(normed, pass), gradient: outward, saved: saved.body, into: inputGradient, pass)
        guard let inputGradient else { return }
        site.changeInputBackward(normed, gradient: inputGradient, pass)
        guard needsNormed else { return }
        for more in beside { engine.add(more, into: inputGradient) }
        norm.backward(x, inverse: saved.inverse, gradient: inputGradient, addingTo: gradient, engine)
    }
}
