package import Kernels

/// down(silu(gate(x)) ⊙ up(x)) (Shazeer, GLU variants, 2020).
package struct GatedMLP<R: Real>: Sendable {
    /// The module's path, such as `model.layers.0.mlp`.
    package let path: String
    package let gateUp: Projection<R>
    package let down: Projection<R>

    package init(path: String, gateUp: Projection<R>, down: Projection<R>) {
        self.path = path
        self.gateUp = gateUp
        self.down = down
    }
}

extension GatedMLP: SubLayerBody {
    struct Saved: Sendable {
        let gateUp: [Matrix<R>]
        let insertions: (gateUp: Layers.Saved<R>, down: Layers.Saved<R>)
    }

    var isTrained: Bool { gateUp.isTrained || down.isTrained }

    func forward(_ x: Matrix<R>, residual: Matrix<R>?, _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        let (outputs, saved) = gateUp.forward(x, pass)
        let hidden = pass.matrix(columns: down.inputs)
        pass.engine.swiglu(gate: outputs[0], up: outputs[1], into: hidden)
        let (result, downSaved) = down.forward(hidden, residual: residual, pass)
        return (result[0], Saved(gateUp: outputs, insertions: (saved, downSaved)))
    }

    func backward(
        _ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>?, _ pass: Pass<R>
    ) {
        let engine = pass.engine
        let (gate, up) = (saved.gateUp[0], saved.gateUp[1])
        let hidden = pass.matrix(columns: down.inputs)
        engine.swiglu(gate: gate, up: up, into: hidden)
        let hiddenGradient = pass.matrix(columns: down.inputs)
        down.backward(
            input: hidden, gradients: [down.expendable(gradient, pass)], saved: saved.insertions.down,
            into: hiddenGradient, pass)
        guard inputGradient != nil || gateUp.isTrained else { return }
        engine.swigluBackward(gate: gate, up: up, gradient: hiddenGradient)
        gateUp.backward(input: x, gradients: [gate, up], saved: saved.insertions.gateUp, into: inputGradient, pass)
    }
}
