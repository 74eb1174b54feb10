package import Kernels

/// outer(a(inner(x))), where a is SiLU of one layer times another (Shazeer, GLU variants, 2020), or GELU of one layer.
package struct MLP<R: Real>: Sendable {
    /// What becomes of the inner layers' outputs.
    package enum Activation: Hashable, Sendable {
        /// silu(gate) ⊙ up, of two layers.
        case gatedSiLU
        /// Of one.
        case gelu(GELU)

        var layers: Int { self == .gatedSiLU ? 2 : 1 }
    }

    /// The module's path, such as `model.layers.0.mlp`.
    package let path: String
    package let inner: Projection<R>
    package let activation: Activation
    package let outer: Projection<R>

    package init(path: String, inner: Projection<R>, activation: Activation, outer: Projection<R>) {
        precondition(inner.linears.count == activation.layers)
        self.path = path
        self.inner = inner
        self.activation = activation
        self.outer = outer
    }
}

extension MLP: SubLayerBody {
    struct Saved: Sendable {
        /// The inner layers' outputs.
        let inner: [Matrix<R>]
        let insertions: (inner: Layers.Saved<R>, outer: Layers.Saved<R>)
    }

    var isTrained: Bool { inner.isTrained || outer.isTrained }
    var canNarrow: Bool { false }

    func forward(_ x: Matrix<R>, residual: Matrix<R>?, _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        let (outputs, saved) = inner.forward(x, pass)
        let (result, outerSaved) = outer.forward(hidden(of: outputs, pass), residual: residual, pass)
        return (result[0], Saved(inner: outputs, insertions: (saved, outerSaved)))
    }

    func backward(
        _ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>?, _ pass: Pass<R>
    ) {
        let hiddenGradient = pass.matrix(columns: outer.inputs)
        outer.backward(
            input: hidden(of: saved.inner, pass), gradients: [outer.expendable(gradient, pass)],
            saved: saved.insertions.outer, into: hiddenGradient, pass)
        guard inputGradient != nil || inner.isTrained else { return }
        switch activation {
        case .gatedSiLU:
            pass.engine.swigluBackward(gate: saved.inner[0], up: saved.inner[1], gradient: hiddenGradient)
        case .gelu(let kind):
            pass.engine.geluBackward(saved.inner[0], kind, gradient: hiddenGradient, into: saved.inner[0])
        }
        inner.backward(
            input: x, gradients: saved.inner, saved: saved.insertions.inner, into: inputGradient, pass)
    }

    private func hidden(of outputs: [Matrix<R>], _ pass: Pass<R>) -> Matrix<R> {
        let hidden = pass.matrix(columns: outer.inputs)
        switch activation {
        case .gatedSiLU: pass.engine.swiglu(gate: outputs[0], up: outputs[1], into: hidden)
        case .gelu(let kind): pass.engine.gelu(outputs[0], kind, into: hidden)
        }
        return hidden
    }
}
