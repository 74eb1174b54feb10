package import Kernels

/// How heads look at tokens.
package struct AttentionShape: Hashable, Sendable {
    package let heads: Int
    /// Heads of keys and values; each serves `heads / keyHeads` heads of queries (Ainslie et al., GQA, 2023).
    package let keyHeads: Int
    package let headSize: Int
    /// How many tokens back one may look, itself included; nil for all.
    package let window: Int?

    package init(heads: Int, keyHeads: Int, headSize: Int, window: Int? = nil) {
        self.heads = heads
        self.keyHeads = keyHeads
        self.headSize = headSize
        self.window = window
    }
}

/// Causal attention with rotary positions: q, k, v of x, and the projection of what the heads found.
package struct SelfAttention<R: Real>: Sendable {
    package let queryKeyValue: Projection<R>
    package let output: Projection<R>
    package let shape: AttentionShape
    package let rotary: RotaryTable<R>

    package init(
        queryKeyValue: Projection<R>, output: Projection<R>, shape: AttentionShape, rotary: RotaryTable<R>
    ) {
        self.queryKeyValue = queryKeyValue
        self.output = output
        self.shape = shape
        self.rotary = rotary
    }

    struct Saved: Sendable {
        /// q and k are turned by their positions.
        let queryKeyValue: [Matrix<R>]
        let found: Matrix<R>
        let logSums: Matrix<R>
        let insertions: (queryKeyValue: Layers.Saved<R>, output: Layers.Saved<R>)
    }

    var isTrained: Bool { queryKeyValue.isTrained || output.isTrained }

    /// `residual` + attention of x, and what backward needs.
    func forward(_ x: Matrix<R>, residual: Matrix<R>, _ pass: Pass<R>) -> (Matrix<R>, Saved) {
        let engine = pass.engine
        let (qkv, saved) = queryKeyValue.forward(x, pass)
        rotate(qkv, inverse: false, pass)
        let found = pass.matrix(columns: shape.heads * shape.headSize)
        let logSums = pass.matrix(columns: shape.heads)
        engine.attention(q: qkv[0], k: qkv[1], v: qkv[2], pattern(pass), into: found, logSums: logSums)
        let (outputs, outputSaved) = output.forward(found, residual: residual, pass)
        return (
            outputs[0],
            Saved(queryKeyValue: qkv, found: found, logSums: logSums, insertions: (saved, outputSaved))
        )
    }

    /// Writes the gradient of x into `inputGradient`, where it is given. `gradient` is that of the output; it is kept.
    func backward(
        _ x: Matrix<R>, gradient: Matrix<R>, saved: Saved, into inputGradient: Matrix<R>?, _ pass: Pass<R>
    ) {
        let engine = pass.engine
        let foundGradient = pass.matrix(columns: shape.heads * shape.headSize)
        output.backward(
            input: saved.found, gradients: [output.expendable(gradient, pass)], saved: saved.insertions.output,
            into: foundGradient, pass)
        guard inputGradient != nil || queryKeyValue.isTrained else { return }
        let qkv = saved.queryKeyValue
        let gradients = qkv.map { pass.matrix(columns: $0.columns) }
        engine.attentionBackward(
            q: qkv[0], k: qkv[1], v: qkv[2], pattern(pass), o: saved.found, logSums: saved.logSums,
            gradient: foundGradient, intoQ: gradients[0], k: gradients[1], v: gradients[2])
        rotate(gradients, inverse: true, pass)
        queryKeyValue.backward(
            input: x, gradients: gradients, saved: saved.insertions.queryKeyValue, into: inputGradient, pass)
    }

    private func pattern(_ pass: Pass<R>) -> AttentionPattern {
        AttentionPattern(
            heads: shape.heads, keyHeads: shape.keyHeads, segments: pass.batch.segments, isCausal: true,
            window: shape.window, scale: 1 / Double(shape.headSize).squareRoot())
    }

    private func rotate(_ qkv: [Matrix<R>], inverse: Bool, _ pass: Pass<R>) {
        for (part, heads) in [(qkv[0], shape.heads), (qkv[1], shape.keyHeads)] {
            pass.engine.rotate(part, heads: heads, by: rotary, positions: pass.batch.positions, inverse: inverse)
        }
    }
}

extension Projection {
    /// A gradient that backward may use up: a copy where the insertions change it in place.
    func expendable(_ gradient: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        guard insertions.contains(where: { $0.changesOutputs }) else { return gradient }
        let copy = pass.matrix(columns: gradient.columns)
        copy.copy(from: gradient)
        return copy
    }
}
