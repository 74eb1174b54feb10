import Architectures
import Diagnostics
import Kernels
import Layers
import LinearAlgebra
import Tensors

/// Collects what a model is made of while it is built: one file for each family, in which it is put together.
struct NetworkParts<R: Real> {
    typealias Built = (embedding: Embedding<R>, blocks: [Block<R>], head: any Head<R>)

    let architecture: NetworkArchitecture
    private let store: WeightStore
    private let seed: UInt64
    private let makesHead: Bool
    private(set) var parameters: [BaseParameter<R>] = []
    private(set) var projections: [Projection<R>] = []
    private(set) var norms: [BaseParameter<R>] = []
    private(set) var saved = SavedModules<R>()
    private(set) var headPaths: [String] = []

    /// The standard deviation of a new head's weights, as transformers draws them.
    private static var spread: Double { 0.02 }

    init(_ architecture: NetworkArchitecture, _ store: WeightStore, seed: UInt64, makesHead: Bool) {
        self.architecture = architecture
        self.store = store
        self.seed = seed
        self.makesHead = makesHead && architecture.task.isOfClasses
    }

    var modules: Architecture { architecture.modules }

    // MARK: Of the base

    /// - Parameter ownName: Whether it goes by its name in the file, and not by the architecture's.
    mutating func parameter(_ tensor: NamedShape, ownName: Bool = false) throws(Failure) -> BaseParameter<R> {
        let parameter = try store.parameter(tensor, ownName: ownName, R.self)
        parameters.append(parameter)
        return parameter
    }

    mutating func linear(_ shape: LinearShape, ownName: Bool = false) throws(Failure) -> Linear<R> {
        Linear(
            path: shape.path, weight: try parameter(shape.weight, ownName: ownName),
            bias: try shape.bias.map { bias throws(Failure) in try parameter(bias, ownName: ownName) },
            isTransposed: shape.isTransposed)
    }

    /// Linear layers with one input, which methods may adapt.
    mutating func projection(_ shapes: [LinearShape], ownName: Bool = false) throws(Failure) -> Projection<R> {
        var linears: [Linear<R>] = []
        for shape in shapes { linears.append(try linear(shape, ownName: ownName)) }
        let projection = Projection(linears)
        projections.append(projection)
        return projection
    }

    /// By their paths.
    mutating func projection(_ paths: [String]) throws(Failure) -> Projection<R> {
        try projection(paths.map { modules.linear($0) })
    }

    mutating func table(_ path: String) throws(Failure) -> BaseParameter<R> { try parameter(modules.table(path)) }

    mutating func rmsNorm(_ weight: NamedShape, epsilon: Double) throws(Failure) -> RMSNorm<R> {
        let weight = try parameter(weight, ownName: true)
        norms.append(weight)
        return RMSNorm(weight: weight, epsilon: R(epsilon))
    }

    mutating func layerNorm(_ path: String, epsilon: Double) throws(Failure) -> LayerNorm<R> {
        let weight = try parameter(NamedShape(name: path + ".weight", shape: [modules.hiddenSize]))
        let bias = try parameter(NamedShape(name: path + ".bias", shape: [modules.hiddenSize]))
        norms += [weight, bias]
        return LayerNorm(weight: weight, bias: bias, epsilon: R(epsilon))
    }

    // MARK: Of the head

    /// A linear layer of the head. It `isSaved` by that name in every adapter, or where the base lacks it; then it is drawn.
    mutating func headLinear(_ path: String, savedAs name: String, always: Bool) throws(Failure) -> Linear<R> {
        let shape = modules.linear(path)
        headPaths.append(path)
        let isThere = !makesHead && store.has(shape.weight) && (shape.bias.map(store.has) ?? true)
        guard always || !isThere else { return try linear(shape) }
        let weight = isThere ? try store.parameter(shape.weight, R.self) : drawn(shape.weight, name: path)
        let bias = try shape.bias.map { bias throws(Failure) in
            isThere ? try store.parameter(bias, R.self) : Self.filled(bias, with: 0)
        }
        saved.add(name, [weight] + (bias.map { [$0] } ?? []), madePath: isThere ? nil : path)
        return Linear(path: path, weight: weight, bias: bias)
    }

    /// A norm of the head, which is drawn as no change where the base lacks it.
    mutating func headNorm(_ path: String, epsilon: Double) throws(Failure) -> LayerNorm<R> {
        let tensors = ["weight", "bias"].map { NamedShape(name: "\(path).\($0)", shape: [modules.hiddenSize]) }
        guard !tensors.allSatisfy(store.has) else { return try layerNorm(path, epsilon: epsilon) }
        let made: [BaseParameter<R>] = [Self.filled(tensors[0], with: 1), Self.filled(tensors[1], with: 0)]
        saved.add(path, made, madePath: path)
        return LayerNorm(weight: made[0], bias: made[1], epsilon: R(epsilon))
    }

    /// A bias of the head beside a matrix that is another's; zeros that stay where the base lacks it.
    mutating func headBias(_ tensor: NamedShape) throws(Failure) -> BaseParameter<R> {
        store.has(tensor) ? try parameter(tensor, ownName: true) : Self.filled(tensor, with: 0)
    }

    /// Classes or a value: `hidden` and `path` are the paths of the layers.
    mutating func classHead(
        norm: (any Norm<R>)? = nil, looks: ClassHead<R>.Looks, hidden: Projection<R>? = nil,
        activation: ClassHead<R>.Activation = .tanh, _ path: String, savedAs name: String
    ) throws(Failure) -> ClassHead<R> {
        ClassHead(
            norm: norm, looks: architecture.task.isOfRows ? looks : .each,
            hidden: architecture.task.isOfRows ? hidden : nil, activation: activation,
            output: Projection([try headLinear(path, savedAs: name, always: true)]),
            measure: architecture.task == .regression ? .square : .likelihood)
    }

    /// The pooler is adapted as other layers are, but where it is new.
    mutating func pooler(_ path: String) throws(Failure) -> Projection<R> {
        let shape = modules.linear(path)
        guard !store.has(shape.weight) else { return try projection([shape]) }
        return Projection([try headLinear(path, savedAs: "pooler", always: false)])
    }

    private func drawn(_ tensor: NamedShape, name: String) -> BaseParameter<R> {
        let random = CounterRandom(seed: seed, name: name)
        let (rows, columns) = (tensor.shape.dimensions[0], tensor.shape.dimensions[1])
        let numbers = (0..<rows * columns).map { R(Float(random.normal($0) * Self.spread)) }
        return BaseParameter(name: tensor.name, Weight(Matrix(rows: rows, columns: columns, numbers)), isVector: false)
    }

    private static func filled(_ tensor: NamedShape, with value: R) -> BaseParameter<R> {
        let count = tensor.shape.dimensions[0]
        return BaseParameter(
            name: tensor.name, Weight(Matrix(rows: 1, columns: count, [R](repeating: value, count: count))))
    }
}
