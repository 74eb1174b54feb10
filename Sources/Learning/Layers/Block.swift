package import Kernels

/// A block of a transformer: an attention and an MLP, each added to the residual stream, with norms before them or after
/// the sums.
///
/// Of a pass it keeps x, q, k, v, what the heads found, mid and the MLP's inner outputs, and computes the norms before
/// sub-layers and the MLP's activation again; of norms after sums it keeps the sums. Checkpointed it keeps x alone and
/// computes all again.
package struct Block<R: Real>: Sendable {
    private let attentionPart: SubLayer<SelfAttention<R>>
    private let mlpPart: SubLayer<MLP<R>>

    package init(
        attentionNorm: any Norm<R>, attention: SelfAttention<R>, mlpNorm: any Norm<R>, mlp: MLP<R>,
        norms place: NormPlace = .before
    ) {
        func site(_ path: String) -> SubLayerSite<R> { SubLayerSite(path: path, width: attentionNorm.width) }
        attentionPart = SubLayer(norm: attentionNorm, place: place, body: attention, site: site(attention.path))
        mlpPart = SubLayer(norm: mlpNorm, place: place, body: mlp, site: site(mlp.path))
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

    /// Whether it can make the outputs of some tokens alone.
    package var canNarrow: Bool { attentionPart.canNarrow && mlpPart.site.isEmpty }

    /// The block's output for the tokens at `places` of x, one of each row. With a tape, backward will read `outputGradient`,
    /// that of these outputs by then, and write that of x into `gradient`.
    package func narrowed(
        _ x: Matrix<R>, to places: [Int], gradient: Matrix<R>?, outputGradient: Matrix<R>?, isLowest: Bool,
        isCheckpointed: Bool, _ pass: Pass<R>
    ) -> Matrix<R> {
        let pass = pass.narrowed(to: places)
        func forward() -> (Matrix<R>, Kept) {
            let (mid, attentionSaved) = attentionPart.narrowed(x, chosen: places, pass)
            let (output, mlpSaved) = mlpPart.forward(mid, pass.behind)
            return (output, Kept(mid: mid, attention: attentionSaved, mlp: mlpSaved))
        }
        let (output, kept) = forward()
        guard let tape = pass.tape, let gradient, let outputGradient else { return output }
        let saved = isCheckpointed ? nil : kept
        tape.record {
            let saved = saved ?? forward().1
            mlpPart.backward(
                saved.mid, gradient: outputGradient, saved: saved.mlp,
                needsInput: !isLowest || attentionPart.isTrained, pass.behind)
            attentionPart.narrowedBackward(
                x, chosen: places, gradient: outputGradient, saved: saved.attention, into: gradient,
                needsInput: !isLowest, pass)
        }
        return output
    }

    private struct Kept {
        let mid: Matrix<R>
        let attention: SubLayer<SelfAttention<R>>.Saved
        let mlp: SubLayer<MLP<R>>.Saved
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
