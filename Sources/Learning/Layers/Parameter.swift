public import Kernels

/// What training changes: numbers, and the gradient that a backward pass adds to.
public final class Parameter<R: Real>: @unchecked Sendable {
    /// Unique within a model: the checkpoint tensor or module it belongs to, and its role there.
    public let name: String
    public let value: Matrix<R>
    public let gradient: Matrix<R>

    /// `value` is trained in place; the gradient begins at zero.
    public convenience init(name: String, _ value: Matrix<R>) {
        self.init(name: name, value, gradient: Matrix(rows: value.rows, columns: value.columns))
    }

    /// For a part of a larger parameter, whose gradient is that part of the larger one's.
    public init(name: String, _ value: Matrix<R>, gradient: Matrix<R>) {
        precondition(value.rows == gradient.rows && value.columns == gradient.columns)
        self.name = name
        self.value = value
        self.gradient = gradient
    }
}

/// A tensor of the base as layers use it: frozen and read where it lies, until a method makes it trainable.
public final class BaseParameter<R: Real>: @unchecked Sendable {
    /// Its name in the checkpoint.
    public let name: String
    /// A matrix as [rows, columns], a vector as one row.
    public private(set) var weight: Weight<R>
    /// Nil as long as it is frozen.
    public private(set) var trained: Parameter<R>?
    /// A vector's numbers, which kernels want widened; empty for a matrix.
    public private(set) var row: Matrix<R>

    public init(name: String, _ weight: Weight<R>) {
        self.name = name
        self.weight = weight
        row = weight.rows == 1 ? weight.widened() : Matrix(rows: 0, columns: 0)
    }

    public var isTrained: Bool { trained != nil }

    /// Copies the numbers to memory of their own, from where layers then read them, and returns what trains them.
    @discardableResult
    public func makeTrainable() -> Parameter<R> {
        if let trained { return trained }
        let parameter = Parameter(name: name, weight.widened())
        weight = Weight(parameter.value)
        if parameter.value.rows == 1 { row = parameter.value }
        trained = parameter
        return parameter
    }
}
