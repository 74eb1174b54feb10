import Adapters
import Diagnostics
import Tensors

/// One entry, and what is needed to know what it does: its adapter, the base's shapes, the weight.
struct UpdateContext: Sendable {
    let adapter: Adapter
    let entry: AdapterEntry
    let weight: Double
    let base: @Sendable (String) -> BaseTensor?
    let shared: SharedFactors

    var target: String { entry.key.target }

    // MARK: The base

    /// A tensor of the base that must be there, by default the entry's target.
    func tensor(_ name: String? = nil) throws(Failure) -> BaseTensor {
        let name = name ?? target
        guard let tensor = base(name) else {
            throw Failure(
                .baseIncompatible, "the base has no tensor that the adapter changes", object: name,
                hint: "give the base the adapter was made for")
        }
        return tensor
    }

    /// The bias of the module whose weight is the target, if the base has one.
    var bias: (name: String, count: Int)? {
        guard target.hasSuffix(".weight") else { return nil }
        let name = String(target.dropLast("weight".count)) + "bias"
        guard let tensor = base(name), tensor.shape.rank == 1 else { return nil }
        return (name, tensor.shape.dimensions[0])
    }

    /// How a weight of `out` outputs and `in` inputs lies in the target: the first dimension against all others.
    func layout(out: Int, in inputs: Int) throws(Failure) -> WeightLayout {
        let tensor = try tensor()
        let rows = tensor.shape.dimensions.first ?? 1
        let columns = try Shape(Array(tensor.shape.dimensions.dropFirst())).elementCount()
        let isStraight = rows == out && columns == inputs
        let isTransposed = rows == inputs && columns == out && tensor.shape.rank == 2
        guard isStraight || isTransposed else {
            throw mismatch(tensor, expected: "[\(out), \(inputs)]")
        }
        guard isStraight && isTransposed else { return WeightLayout(out: out, in: inputs, isTransposed: isTransposed) }
        return WeightLayout(out: out, in: inputs, isTransposed: isFanInFanOut || tensor.isTransposed)
    }

    /// The layout where only one side of the weight is known from the factors.
    func layout(out: Int) throws(Failure) -> WeightLayout {
        let (rows, columns) = try sides()
        if rows == out, columns != out { return try layout(out: out, in: columns) }
        if columns == out, rows != out { return try layout(out: out, in: rows) }
        guard rows == out else { throw mismatch(try tensor(), expected: "\(out) outputs") }
        return try layout(out: out, in: out)
    }

    /// The layout where only the number of inputs is known from the factors.
    func layout(in inputs: Int) throws(Failure) -> WeightLayout {
        let (rows, columns) = try sides()
        if columns == inputs, rows != inputs { return try layout(out: rows, in: inputs) }
        if rows == inputs, columns != inputs { return try layout(out: columns, in: inputs) }
        guard rows == inputs else { throw mismatch(try tensor(), expected: "\(inputs) inputs") }
        return try layout(out: inputs, in: inputs)
    }

    /// The layout where the factors fit any shape.
    func layout() throws(Failure) -> WeightLayout {
        let (rows, columns) = try sides()
        let tensor = try tensor()
        let isTransposed = tensor.shape.rank == 2 && (isFanInFanOut || tensor.isTransposed)
        return WeightLayout(
            out: isTransposed ? columns : rows, in: isTransposed ? rows : columns, isTransposed: isTransposed)
    }

    /// The target as it is stored: the first dimension against all others.
    func sides() throws(Failure) -> (rows: Int, columns: Int) {
        let dimensions = try tensor().shape.dimensions
        return (dimensions.first ?? 1, try Shape(Array(dimensions.dropFirst())).elementCount())
    }

    func mismatch(_ tensor: BaseTensor, expected: String) -> Failure {
        Failure(
            .baseIncompatible, "the base's tensor is not of the shape that the adapter is for", object: target,
            expected: expected, actual: "\(tensor.shape)", hint: "give the base the adapter was made for")
    }

    private var isFanInFanOut: Bool { adapter.parameters["fan_in_fan_out"]?.bool == true }

    /// A product of sides, refusing what does not fit.
    func product(_ sides: Int...) throws(Failure) -> Int { try Shape(sides).elementCount() }

    // MARK: Parameters

    func flag(_ name: String, default standard: Bool = false) -> Bool {
        adapter.parameters[name]?.bool ?? standard
    }

    func integer(_ name: String, default standard: Int) throws(Failure) -> Int {
        guard let value = adapter.parameters[name] else { return standard }
        guard let number = value.int else {
            throw Failure(.badParameter, "the parameter \(name) is no integer", actual: value.summary)
        }
        return number
    }

    /// A number of the config; of `pattern`'s map where the module's path matches one of its keys.
    func number(_ name: String, pattern: String? = nil, default standard: Double) throws(Failure) -> Double {
        var value = adapter.parameters[name]
        if let pattern, let own = try adapter.parameters[pattern]?.value(forModule: entry.modulePath) { value = own }
        guard let value else { return standard }
        guard let number = value.double, number.isFinite else {
            throw Failure(.badParameter, "the parameter \(name) is no number", actual: value.summary)
        }
        return number
    }

    /// Refuses a weight other than 1 where the change is no sum.
    func requireWholeWeight(_ what: String) throws(Failure) {
        guard weight == 1 else {
            throw .notMergeable(
                "\(what) cannot be weighed: its change of a weight is no sum (weight \(weight))",
                hint: "apply it with the weight 1, or leave it out")
        }
    }

    // MARK: Factors

    /// A factor that must be there.
    func source(_ role: Role) throws(Failure) -> any TensorSource {
        if let source = entry[role] { return source }
        throw Failure(
            entry[role.part(.codes)] == nil ? .kindShape : .quantizationParameter,
            entry[role.part(.codes)] == nil
                ? "an entry of kind \(entry.key.kind.word) lacks its tensor \(role.word)"
                : "the tensor \(role.word) is quantized and was to be dequantized first")
    }

    /// The sides of a factor seen as a matrix: the first dimension against all others.
    func sides(_ role: Role) throws(Failure) -> (rows: Int, columns: Int) {
        let dimensions = try source(role).shape.dimensions
        guard let first = dimensions.first else {
            throw Failure(.kindShape, "the tensor \(role.word) is no matrix", object: target)
        }
        return (first, try Shape(Array(dimensions.dropFirst())).elementCount())
    }

    func matrix(_ role: Role) throws(Failure) -> Matrix {
        let (rows, columns) = try sides(role)
        return Matrix(rows: rows, columns: columns, try source(role).floats())
    }

    // MARK: Updates

    func planned(
        _ layout: WeightLayout, _ effect: PlannedUpdate.Effect,
        _ build: @escaping @Sendable () throws(Failure) -> WeightUpdate
    ) -> PlannedUpdate {
        planned(target, effect, rows: layout.rows, columns: layout.columns, build)
    }

    func planned(
        _ name: String, _ effect: PlannedUpdate.Effect, rows: Int, columns: Int,
        _ build: @escaping @Sendable () throws(Failure) -> WeightUpdate
    ) -> PlannedUpdate {
        PlannedUpdate(entry: entry.key, target: name, effect: effect, rows: rows, columns: columns, build: build)
    }
}

/// How a weight of `out` outputs and `in` inputs lies in the tensor that holds it.
struct WeightLayout: Hashable, Sendable {
    let out: Int
    let `in`: Int
    /// The tensor is [in, out].
    let isTransposed: Bool

    var rows: Int { isTransposed ? `in` : out }
    var columns: Int { isTransposed ? out : `in` }
    /// Along which side of the tensor the weights of one output lie.
    var outputs: UpdateAxis { isTransposed ? .columns : .rows }
}
