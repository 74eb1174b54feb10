package import Adapters
import Architectures
package import Checkpoints
package import Diagnostics
package import Insertions
package import Kernels
package import Layers
package import Networks
import Tensors

/// A base with a method's adapter in it.
package struct TrainedModel: Sendable {
    package let network: Network<Float>
    package let inserted: Inserted<Float>
    private let method: any TrainableMethod
    private let base: Checkpoint

    /// A new adapter, or `initial`, in the model of a base's folder; `length` is that of the longest row.
    package init(
        _ base: Checkpoint, _ options: TrainingOptions, initial: Adapter?, length: Int, _ engine: Engine<Float>
    ) throws(Failure) {
        let architecture = try NetworkArchitecture(of: base, task: options.task, labels: options.labels)
        network = try Network(
            architecture, WeightStore(base), length: length, seed: options.seed, makesHead: options.makesHead)
        var parameters = options.parameters
        parameters[Self.savedKey] = nil
        let plan = InsertionPlan(
            parameters: parameters, entries: initial?.entries, seed: options.seed, steps: options.steps)
        var inserted = try options.method.insert(plan, into: network.sites, engine)
        try inserted.add(network.sites.saved, plan)
        if options.method.method.key(Self.savedKey) != nil, !network.sites.saved.names.isEmpty {
            inserted.parameters[Self.savedKey] = .list(network.sites.saved.names.map { .string($0) })
        }
        self.inserted = inserted
        try inserted.checkUses(initial?.entries ?? [])
        method = options.method
        self.base = base
    }

    /// The key of modules that are kept whole beside what a method trains.
    private static let savedKey = "modules_to_save"

    /// A trained adapter in its base, to be evaluated.
    ///
    /// Throws ``Failure/Code/notTrainable`` for a method that is none of those that train.
    package init(_ base: Checkpoint, _ adapter: Adapter, length: Int, _ engine: Engine<Float>) throws(Failure) {
        var options = TrainingOptions(try TrainableMethods.holding(adapter))
        options.parameters = adapter.parameters
        let learned = adapter.learned
        (options.task, options.labels) = (learned.task, learned.labels)
        try self.init(base, options, initial: adapter, length: length, engine)
    }

    package var parameterCount: Int {
        inserted.tensors.reduce(0) { $0 + $1.parameter.value.rows * $1.parameter.value.columns }
    }

    /// Shows batches to a method that begins with what it finds in data.
    package func initialize(on batches: [Batch], _ engine: Engine<Float>) throws(Failure) {
        try inserted.initialize(engine) { () throws(Failure) in
            for batch in batches {
                try Cancellation.check()
                _ = network.loss(batch, engine)
            }
        }
    }

    /// The adapter as it is now, or with the numbers of an earlier step, one matrix for each that is trained.
    package func adapter(values: [Matrix<Float>]? = nil) throws(Failure) -> Adapter {
        var tensors: [EntryKey: [RoleTensor]] = [:]
        for tensor in inserted.storedTensors(values ?? inserted.tensors.map(\.parameter.value)) {
            tensors[tensor.key, default: []].append(
                RoleTensor(tensor.role, MatrixSource(tensor.value, shape: tensor.shape)))
        }
        var parameters = inserted.parameters
        if let taskType = network.architecture.task.peftName { parameters["task_type"] = .string(taskType) }
        let entries = tensors.map { AdapterEntry(key: $0.key, tensors: $0.value) } + inserted.idle
        let adapter = Adapter(
            method: method.method.word, parameters: parameters, entries: entries.sorted { $0.key < $1.key },
            metadata: ["base": base.path])
        var finished = try inserted.finished(adapter)
        finished.parameters = method.method.parameters(of: finished.parameters.members)
        return finished
    }
}

extension TrainableMethods {
    /// The method that an adapter is of.
    ///
    /// Throws ``Failure/Code/notTrainable`` where it is none of those that train.
    package static func holding(_ adapter: Adapter) throws(Failure) -> any TrainableMethod {
        if let method = all.first(where: { $0.canHold(adapter) }) { return method }
        throw Failure(
            .notTrainable, "adapters like this one cannot be evaluated, trained or generated with yet",
            object: adapter.method,
            expected: all.map { "\($0.word) of \($0.kinds.map(\.word).joined(separator: " and "))" }
                .joined(separator: ", "),
            actual: Set(adapter.entries.filter { $0.key.kind != .file }.map(\.key.kind.word)).sorted()
                .joined(separator: " and "),
            hint: "tenon apply makes a model of it, which can")
    }
}

extension Inserted {
    /// Throws ``Failure/Code/baseIncompatible`` for an entry that nothing in the model came of.
    package func checkUses(_ entries: [AdapterEntry]) throws(Failure) {
        let used = Set(tensors.map(\.key) + idle.map(\.key))
        if let stray = entries.first(where: { $0.key.kind != .file && !used.contains($0.key) }) {
            throw Failure(
                .baseIncompatible, "the model has no use for an entry of the adapter", object: stray.key.description)
        }
    }
}
