package import Kernels

/// A block of a pre-norm decoder: mid = x + attention(norm(x)), out = mid + mlp(norm(mid)).
///
/// Of a pass it keeps x, q, k, v, what the heads found, mid, gate and up, and computes the norms and the MLP's inner
/// product again: (4d + 2·d_kv + 2f) numbers a token. Checkpointed it keeps x alone and computes all again.
package struct DecoderBlock<R: Real>: Sendable {
    package let attentionNorm: RMSNorm<R>
    package let attention: SelfAttention<R>
    package let mlpNorm: RMSNorm<R>
    package let mlp: GatedMLP<R>

    package init(attentionNorm: RMSNorm<R>, attention: SelfAttention<R>, mlpNorm: RMSNorm<R>, mlp: GatedMLP<R>) {
        self.attentionNorm = attentionNorm
        self.attention = attention
        self.mlpNorm = mlpNorm
        self.mlp = mlp
    }

    package var isTrained: Bool {
        attentionNorm.weight.isTrained || mlpNorm.weight.isTrained || attention.isTrained || mlp.isTrained
    }

    /// The block's output for x [tokens, d]. With a tape, backward will turn `gradient`, that of the output by then, into
    /// that of x in place; where `isLowest`, nobody below needs that, and it finds the parameters' gradients alone.
    package func forward(
        _ x: Matrix<R>, gradient: Matrix<R>?, isLowest: Bool, isCheckpointed: Bool, _ pass: Pass<R>
    ) -> Matrix<R> {
        let (output, kept) = forward(x, pass)
        guard let tape = pass.tape, let gradient else { return output }
        let saved = isCheckpointed ? nil : kept
        tape.record {
            backward(x, gradient: gradient, saved: saved ?? forward(x, pass).1, isLowest: isLowest, pass)
        }
        return output
    }

    private struct Kept {
        let mid: Matrix<R>
        let inverses: (attention: Matrix<R>, mlp: Matrix<R>)
        let attention: SelfAttention<R>.Saved
        let mlp: GatedMLP<R>.Saved
    }

    private func forward(_ x: Matrix<R>, _ pass: Pass<R>) -> (Matrix<R>, Kept) {
        let (normed, inverse) = attentionNorm.forward(x, pass.engine)
        let (mid, attentionSaved) = attention.forward(normed, residual: x, pass)
        let (midNormed, midInverse) = mlpNorm.forward(mid, pass.engine)
        let (output, mlpSaved) = mlp.forward(midNormed, residual: mid, pass)
        return (
            output,
            Kept(mid: mid, inverses: (inverse, midInverse), attention: attentionSaved, mlp: mlpSaved)
        )
    }

    /// The residual stream's gradient passes each half untouched, and what comes through the half is added to it.
    private func backward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Kept, isLowest: Bool, _ pass: Pass<R>) {
        let engine = pass.engine
        let needsBelowMLP = !isLowest || attention.isTrained || attentionNorm.weight.isTrained
        let needsMLPInput = needsBelowMLP || mlpNorm.weight.isTrained
        if needsMLPInput || mlp.isTrained {
            let normed = mlpNorm.forward(saved.mid, engine).y
            let inputGradient = needsMLPInput ? pass.matrix(columns: x.columns) : nil
            mlp.backward(normed, gradient: gradient, saved: saved.mlp, into: inputGradient, pass)
            if let inputGradient {
                mlpNorm.backward(
                    saved.mid, inverse: saved.inverses.mlp, gradient: inputGradient, addingTo: gradient, engine)
            }
        }
        guard needsBelowMLP else { return }
        let needsInput = !isLowest || attentionNorm.weight.isTrained
        let normed = attentionNorm.forward(x, engine).y
        let inputGradient = needsInput ? pass.matrix(columns: x.columns) : nil
        attention.backward(normed, gradient: gradient, saved: saved.attention, into: inputGradient, pass)
        if let inputGradient {
            attentionNorm.backward(
                x, inverse: saved.inverses.attention, gradient: inputGradient, addingTo: gradient, engine)
        }
    }
}
