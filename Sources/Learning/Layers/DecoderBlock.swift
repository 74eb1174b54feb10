package import Kernels

/// A block of a pre-norm decoder: mid = x + attention(norm(x)), out = mid + mlp(norm(mid)).
///
/// Of a pass it keeps x, q, k, v, what the heads found, mid, gate and up, and computes the norms and the MLP's inner
/// product again: (4d + 2·d_kv + 2f) numbers a token. Checkpointed it keeps x alone and computes all again.
package struct DecoderBlock<R: Real>: Sendable {
    private let attentionPart: SubLayer<SelfAttention<R>>
    private let mlpPart: SubLayer<GatedMLP<R>>

    package init(attentionNorm: RMSNorm<R>, attention: SelfAttention<R>, mlpNorm: RMSNorm<R>, mlp: GatedMLP<R>) {
        func site(_ path: String) -> SubLayerSite<R> {
            SubLayerSite(path: path, width: attentionNorm.weight.row.columns)
        }
        attentionPart = SubLayer(norm: attentionNorm, body: attention, site: site(attention.path))
        mlpPart = SubLayer(norm: mlpNorm, body: mlp, site: site(mlp.path))
    }

    package var attention: SelfAttention<R> { attentionPart.body }
    /// Those of the attention and of the MLP.
    package var subLayers: [SubLayerSite<R>] { [attentionPart.site, mlpPart.site] }
    package var isTrained: Bool { attentionPart.isTrained || mlpPart.isTrained }

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
        let attention: SubLayer<SelfAttention<R>>.Saved
        let mlp: SubLayer<GatedMLP<R>>.Saved
    }

    private func forward(_ x: Matrix<R>, _ pass: Pass<R>) -> (Matrix<R>, Kept) {
        let (mid, attentionSaved) = attentionPart.forward(x, pass)
        let (output, mlpSaved) = mlpPart.forward(mid, pass)
        return (output, Kept(mid: mid, attention: attentionSaved, mlp: mlpSaved))
    }

    private func backward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Kept, isLowest: Bool, _ pass: Pass<R>) {
        mlpPart.backward(
            saved.mid, gradient: gradient, saved: saved.mlp, needsInput: !isLowest || attentionPart.isTrained, pass)
        attentionPart.backward(x, gradient: gradient, saved: saved.attention, needsInput: !isLowest, pass)
    }
}
