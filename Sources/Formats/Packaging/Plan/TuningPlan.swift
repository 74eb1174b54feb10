package import Adapters
package import Architectures
package import Diagnostics
import Tensors

/// What tuning a model by one method costs: parameters, bytes on disk and in memory. From shapes alone.
package struct TuningPlan: Sendable {
    package let method: PlannedMethod
    package let parameters: Parameters
    package let setup: TrainingSetup
    package let size: AdapterSize
    package let memory: TrainingMemory
    /// How many models are wanted.
    package let tasks: Int
    package let baseParameters: Int
    package let trainableParameters: Int
    /// Of the base and of all that is added to it.
    package let allParameters: Int
    /// Of the adapter's file without its metadata: what a whole model takes for a method that gives one.
    package let adapterBytes: Int
    package let baseBytes: Int
    /// As many whole models as there are tasks.
    package let fullCopiesBytes: Int
    /// One base and as many adapters.
    package let adaptersBytes: Int

    package var trainableShare: Double { Double(trainableParameters) / Double(max(1, allParameters)) }
    package var savedShare: Double { 1 - Double(adaptersBytes) / Double(max(1, fullCopiesBytes)) }

    /// Throws ``Failure/Code/usage`` and ``Failure/Code/badParameter`` for a config that does not fit the model, and
    /// ``Failure/Code/shapeOverflow`` where sizes come to more than can be counted.
    package init(
        of architecture: Architecture, _ method: PlannedMethod, _ parameters: Parameters, _ setup: TrainingSetup,
        tasks: Int = 1
    ) throws(Failure) {
        var setup = setup
        setup.quantizesBase = setup.quantizesBase || method.quantizesBase
        guard !(setup.quantizesBase && method.isWholeModel) else {
            throw Failure(.usage, "a base in four bits cannot be trained itself")
        }
        self.method = method
        self.parameters = parameters
        self.setup = setup
        self.tasks = tasks
        let size = try method.size(in: architecture, parameters)
        self.size = size
        memory = try TrainingMemory(of: architecture, size, setup)
        let width = Formula.quantity("bytes", setup.dtype.bits / 8)
        baseParameters = try architecture.parameterCount()
        trainableParameters = try size.trained.count()
        allParameters = try Formula.sum((architecture.groups + size.added).map(\.formula)).value()
        let base = try (width * .quantity("base", baseParameters)).value()
        baseBytes = base
        let file = try (width * .quantity("file", size.file.count()) + 4 * .quantity("indices", size.indices.count()))
            .value()
        adapterBytes = file
        let copies = Formula.quantity("tasks", tasks)
        fullCopiesBytes = try (copies * .quantity("base", base)).value()
        let beside = Formula.quantity("base", method.isWholeModel ? 0 : base)
        adaptersBytes = try (beside + copies * .quantity("adapter", file)).value()
    }
}
