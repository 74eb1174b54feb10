package import Kernels

/// What training changes: numbers, and the gradient that a backward pass adds to.
package final class Parameter<R: Real>: @unchecked Sendable {
    /// Unique within a model: the checkpoint tensor or module it belongs to, and its role there.
    package let name: String
    package let value: Matrix<R>
    package let gradient: Matrix<R>

    /// `value` is trained in place; the gradient begins at zero.
    package convenience init(name: String, _ value: Matrix<R>) {
        self.init(name: name, value, gradient: Matrix(rows: value.rows, columns: value.columns))
    }

    /// For a part of a larger parameter, whose gradient is that part of the larger one's.
    package init(name: String, _ value: Matrix<R>, gradient: Matrix<R>) {
        precondition(value.rows == gradient.rows && value.columns == gradient.columns)
        self.name = name
        self.value = value
        self.gradient = gradient
    }
}

/// A tensor of the base as layers use it: frozen and read where it lies, until a method makes it trainable.
package final class BaseParameter<R: Real>: @unchecked Sendable {
    /// Its name in the checkpoint.
    package let name: String
    /// A matrix as [rows, columns], a vector as one row.
    package private(set) var weight: Weight<R>
    /// Whether it is a vector, and no matrix of one row.
    package let isVector: Bool
    /// Nil as long as it is frozen.
    package private(set) var trained: Parameter<R>?
    /// The numbers of a single row, as vectors are, which kernels want widened; empty for more rows.
    package private(set) var row: Matrix<R>

    package init(name: String, _ weight: Weight<R>, isVector: Bool? = nil) {
        self.name = name
        self.weight = weight
        self.isVector = isVector ?? (weight.rows == 1)
        row = weight.rows == 1 ? weight.widened() : Matrix(rows: 0, columns: 0)
    }

    package var isTrained: Bool { trained != nil }

    /// Copies the numbers to memory of their own, from where layers then read them, and returns what trains them.
    @discardableResult
    package func makeTrainable() -> Parameter<R> {
        if let trained { return trained }
        let parameter = Parameter(name: name, weight.widened())
        weight = Weight(parameter.value)
        if parameter.value.rows == 1 { row = parameter.value }
        trained = parameter
        return parameter
    }
}
