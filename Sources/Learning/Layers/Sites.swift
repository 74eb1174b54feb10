package import Kernels

/// Where methods may put themselves into a model, whatever its architecture.
package struct Sites<R: Real>: Sendable {
    /// Linear layers, those with one input together, from the lowest block up.
    package let projections: [Projection<R>]
    package let embedding: Embedding<R>
    /// All tensors of the base, each once, in the order in which the model uses them.
    package let parameters: [BaseParameter<R>]

    package init(projections: [Projection<R>], embedding: Embedding<R>, parameters: [BaseParameter<R>]) {
        self.projections = projections
        self.embedding = embedding
        self.parameters = parameters
    }

    package var linears: [Linear<R>] { projections.flatMap(\.linears) }
}
