package import Kernels

/// Where methods may put themselves into a model, whatever its architecture.
package struct Sites<R: Real>: Sendable {
    /// Linear layers, those with one input together, from the lowest block up.
    package let projections: [Projection<R>]
    /// Attentions, which may be given more to see, from the lowest block up.
    package let attentions: [SelfAttention<R>]
    /// Before and after each attention and each MLP, from the lowest block up.
    package let subLayers: [SubLayerSite<R>]
    package let embedding: Embedding<R>
    /// All tensors of the base, each once, in the order in which the model uses them.
    package let parameters: [BaseParameter<R>]
    /// What makes numbers for the other sites.
    package let sources = ParameterSources<R>()

    package init(
        projections: [Projection<R>], attentions: [SelfAttention<R>], subLayers: [SubLayerSite<R>],
        embedding: Embedding<R>, parameters: [BaseParameter<R>]
    ) {
        self.projections = projections
        self.attentions = attentions
        self.subLayers = subLayers
        self.embedding = embedding
        self.parameters = parameters
    }

    package var linears: [Linear<R>] { projections.flatMap(\.linears) }
}
