public import Kernels

/// Where methods may put themselves into a model, whatever its architecture.
public struct Sites<R: Real>: Sendable {
    /// Linear layers, those with one input together, from the lowest block up.
    public let projections: [Projection<R>]
    public let embedding: Embedding<R>
    /// All tensors of the base, each once, in the order in which the model uses them.
    public let parameters: [BaseParameter<R>]

    public init(projections: [Projection<R>], embedding: Embedding<R>, parameters: [BaseParameter<R>]) {
        self.projections = projections
        self.embedding = embedding
        self.parameters = parameters
    }

    public var linears: [Linear<R>] { projections.flatMap(\.linears) }
}
