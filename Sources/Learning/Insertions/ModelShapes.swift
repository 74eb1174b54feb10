package import Adapters
package import Diagnostics

/// The layers of a model and their sizes, without weights: what there is to say before a model is built.
package struct ModelShapes: Sendable {
    package struct Linear: Sendable {
        /// The module's path.
        package let path: String
        package let outputs: Int
        package let inputs: Int
        package let hasBias: Bool

        package init(path: String, outputs: Int, inputs: Int, hasBias: Bool) {
            self.path = path
            self.outputs = outputs
            self.inputs = inputs
            self.hasBias = hasBias
        }
    }

    package struct Norm: Sendable {
        /// The module's path.
        package let path: String
        /// How many numbers its weight has, and as many its bias.
        package let count: Int
        package let hasBias: Bool

        package init(path: String, count: Int, hasBias: Bool = false) {
            self.path = path
            self.count = count
            self.hasBias = hasBias
        }

        package var parameterCount: Int { hasBias ? 2 * count : count }
    }

    /// Linear layers, those with one input together.
    package let projections: [[Linear]]
    package let norms: [Norm]
    /// Of the vectors of tokens.
    package let width: Int
    /// How many numbers the model has in all, tied ones once.
    package let parameterCount: Int
    /// How many of them a task's head has, which is trained whatever the method.
    package let savedCount: Int
    /// How many numbers the biases of a head have that is not.
    package let headBiasCount: Int
    /// The layers that (IA)³ is usually at in such models, and those of them whose inputs it scales; nil where nothing is
    /// known.
    package let scaled: (targets: [String], feedForward: [String])?

    package init(
        projections: [[Linear]], norms: [Norm], width: Int, parameterCount: Int, savedCount: Int = 0,
        headBiasCount: Int = 0, scaled: (targets: [String], feedForward: [String])? = nil
    ) {
        self.projections = projections
        self.norms = norms
        self.width = width
        self.parameterCount = parameterCount
        self.savedCount = savedCount
        self.headBiasCount = headBiasCount
        self.scaled = scaled
    }

    package var linears: [Linear] { projections.flatMap { $0 } }
    package var biasCount: Int {
        linears.reduce(headBiasCount) { $0 + ($1.hasBias ? $1.outputs : 0) }
            + norms.reduce(0) { $0 + ($1.hasBias ? $1.count : 0) }
    }

    /// The layers that a config's `target_modules` mean.
    ///
    /// Throws ``Failure/Code/badParameter`` and ``Failure/Code/configInvalid`` for targets that cannot be read.
    package func targets(of parameters: Parameters) throws(Failure) -> [Linear] {
        let targets = try TargetModules(parameters)
        return linears.filter { targets.contains($0.path) }
    }
}

/// What a method adds to a model: for an estimate of memory.
package struct TrainingSize: Hashable, Sendable {
    /// How many numbers are trained.
    package var parameterCount: Int
    /// How many numbers a token keeps for backward besides those of the model.
    package var keptPerToken = 0
    /// How many tokens it puts in front of every row.
    package var virtualTokens = 0
    /// Bytes besides: what it remembers, and what it works with.
    package var otherBytes = 0

    package init(parameterCount: Int) {
        self.parameterCount = parameterCount
    }
}
