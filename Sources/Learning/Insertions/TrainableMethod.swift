package import Adapters
package import Diagnostics
package import Kernels
package import Layers

/// How a method trains: one file each.
package protocol TrainableMethod: Sendable {
    /// The word on the command line.
    var word: String { get }
    /// What its adapters are.
    var method: Method { get }
    /// The learning rate to begin with where nothing is said: methods want very different ones.
    var learningRate: Double { get }
    /// The config of a new adapter where nothing is said.
    var standard: Parameters { get }
    /// The same for a model of such layers.
    func standard(in shapes: ModelShapes) -> Parameters
    /// The kinds of entries that it can go on from.
    var kinds: [Kind] { get }

    /// Puts a new adapter, or the one that exists, into a model.
    ///
    /// Throws ``Failure/Code/usage`` where its targets match nothing, ``Failure/Code/kindShape`` for entries that do not
    /// fit, and ``Failure/Code/badParameter`` for a config that it cannot train.
    func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R>

    /// The paths of the modules that `target_modules` can mean; nil where only ``insert(_:into:_:)`` knows.
    func targetPaths(in shapes: ModelShapes) -> [String]?

    /// What it will take in a model of such layers, before there is one.
    func size(in shapes: ModelShapes, _ parameters: Parameters) throws(Failure) -> TrainingSize
}

extension TrainableMethod {
    package func standard(in shapes: ModelShapes) -> Parameters { standard }

    /// The linear layers.
    package func targetPaths(in shapes: ModelShapes) -> [String]? { shapes.linears.map(\.path) }

    /// Whether all of an adapter is of this method, so that it can be trained further and evaluated.
    package func canHold(_ adapter: Adapter) -> Bool {
        adapter.method == method.word
            && adapter.entries.allSatisfy {
                $0.key.kind == .file || kinds.contains($0.key.kind) || isHead($0, of: adapter)
            }
    }

    /// Whether an entry is a module kept whole beside what the method trains: the head of a task.
    private func isHead(_ entry: AdapterEntry, of adapter: Adapter) -> Bool {
        guard entry.key.kind == .full else { return false }
        let saved = adapter.parameters["modules_to_save"]?.strings ?? ["classifier", "score", "pooler"]
        let module = entry.key.target.split(separator: ".").dropLast().joined(separator: ".")
        return saved.contains { module.hasSuffix($0) || module.contains($0 + ".") }
    }
}

/// The methods that train, LoRA first.
package enum TrainableMethods {
    package static let all: [any TrainableMethod] = [
        LoRA(), AdaLoRA(), SHiRA(), IA3(), PromptTuning(), PrefixTuning(), AdaptionPrompt(), BitFit(), LNTuning(),
        FullTuning(),
    ]

    package static func named(_ word: String) -> (any TrainableMethod)? { all.first { $0.word == word } }
}

/// What is to be inserted.
package struct InsertionPlan: Sendable {
    /// The config, as PEFT names its keys.
    package var parameters: Parameters
    /// The entries to go on from; nil for a new adapter.
    package var entries: [AdapterEntry]?
    /// What the numbers of a new one are drawn with.
    package var seed: UInt64
    /// How many steps the run has, for schedules of methods.
    package var steps: Int

    package init(parameters: Parameters, entries: [AdapterEntry]? = nil, seed: UInt64 = 0, steps: Int = 1000) {
        self.parameters = parameters
        self.entries = entries
        self.seed = seed
        self.steps = steps
    }
}

/// What a method has put into a model.
package struct Inserted<R: Real>: Sendable {
    /// In an order of their own that is always the same.
    package var tensors: [TrainedTensor<R>]
    /// To be told of every change of the parameters.
    package var insertions: [any ProjectionInsertion<R>]
    /// What is to be found in data before the first step of a new adapter; nil for nothing.
    package var initialization: (any DataInitialization<R>)?
    /// What is done once a step.
    package var moments: [any StepMoments<R>] = []
    /// Entries of the adapter that change nothing, kept as they are.
    package var idle: [AdapterEntry] = []
    /// Makes of the trained tensors what the adapter holds, where that is something else.
    package var finished: @Sendable (Adapter) throws(Failure) -> Adapter = { $0 }
    /// The config with what was found out: the modules, the size of vectors.
    package var parameters: Parameters
    /// What an adapter holds, given the values of all that is trained; nil where that is what is trained itself.
    package var stored: (@Sendable ([Matrix<R>]) -> [StoredTensor<R>])?

    package init(
        tensors: [TrainedTensor<R>], insertions: [any ProjectionInsertion<R>] = [], parameters: Parameters
    ) {
        self.tensors = tensors
        self.insertions = insertions
        self.parameters = parameters
    }

    /// Puts an insertion into a projection, to train these tensors.
    mutating func insert(
        _ insertion: any ProjectionInsertion<R>, _ tensors: [TrainedTensor<R>], into projection: Projection<R>
    ) {
        projection.insert(insertion)
        insertions.append(insertion)
        self.tensors += tensors
    }

    /// Adds the head of a task, which is trained whatever the method.
    package mutating func add(_ saved: SavedModules<R>, _ plan: InsertionPlan) throws(Failure) {
        tensors += try Inserted.base(saved.parameters, kind: .full, plan).tensors
    }

    /// Lets a method begin with what it finds in data: `pass` takes the same data through the model each time.
    package func initialize(_ engine: Engine<R>, pass: () throws(Failure) -> Void) throws(Failure) {
        guard let initialization else { return }
        while initialization.beginRound() {
            try pass()
            try initialization.endRound(engine)
        }
        parametersChanged()
    }

    /// To be called when the gradients of all passes of a step are there. Gives what the methods add to the loss.
    @discardableResult
    package func addLosses(_ engine: Engine<R>) -> Double {
        moments.reduce(0) { $0 + $1.addLoss(engine) }
    }

    /// To be called when the optimizer has changed the parameters, before their gradients are cleared. Steps count from 1.
    package func parametersChanged(inStep step: Int) {
        for moment in moments { moment.parametersChanged(inStep: step) }
        parametersChanged()
    }

    /// To be called when the parameters have other values than before.
    package func parametersChanged() {
        for insertion in insertions { insertion.parametersChanged() }
    }

    /// The tensors of an adapter where all that is trained has these values, one for each of ``tensors``.
    package func storedTensors(_ values: [Matrix<R>]) -> [StoredTensor<R>] {
        stored?(values) ?? zip(tensors, values).map { StoredTensor($0.key, $0.role, shape: $0.shape, $1) }
    }
}
