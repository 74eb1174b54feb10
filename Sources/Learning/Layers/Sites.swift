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
    /// All tensors of the base, each once, in the order in which the model uses them, but for those of `saved`.
    package let parameters: [BaseParameter<R>]
    /// Those of them that are norms' own.
    package let norms: [BaseParameter<R>]
    /// What is trained whatever the method, and kept whole in the adapter: the head of a task.
    package let saved: SavedModules<R>
    /// The paths of the head's linear layers, which methods leave alone.
    package let headPaths: [String]
    /// Whether a row may begin with tokens of a method's own.
    package let takesVirtualTokens: Bool
    /// What makes numbers for the other sites.
    package let sources = ParameterSources<R>()

    package init(
        projections: [Projection<R>], attentions: [SelfAttention<R>], subLayers: [SubLayerSite<R>],
        embedding: Embedding<R>, parameters: [BaseParameter<R>], norms: [BaseParameter<R>],
        saved: SavedModules<R> = SavedModules(), headPaths: [String] = [], takesVirtualTokens: Bool = true
    ) {
        self.projections = projections
        self.attentions = attentions
        self.subLayers = subLayers
        self.embedding = embedding
        self.parameters = parameters
        self.norms = norms
        self.saved = saved
        self.headPaths = headPaths
        self.takesVirtualTokens = takesVirtualTokens
    }

    package var linears: [Linear<R>] { projections.flatMap(\.linears) }
}

/// Modules that are trained whole beside what a method trains, as PEFT's `modules_to_save`.
package struct SavedModules<R: Real>: Sendable {
    /// The names of the modules, or the ends of their paths.
    package private(set) var names: [String] = []
    package private(set) var parameters: [BaseParameter<R>] = []
    /// Those that the base lacks, which begin with numbers drawn at random.
    package private(set) var madePaths: [String] = []

    package init() {}

    /// - Parameter madePath: The module's path, where the base lacks it.
    package mutating func add(_ name: String, _ parameters: [BaseParameter<R>], madePath: String?) {
        if !names.contains(name) { names.append(name) }
        self.parameters += parameters
        if let madePath { madePaths.append(madePath) }
    }
}
