import Kernels
import LinearAlgebra

extension Matrix {
    /// Normal numbers with mean 0 and variance 1.
    static func normal(rows: Int, columns: Int, _ random: CounterRandom) -> Matrix {
        Matrix(rows: rows, columns: columns, (0..<rows * columns).map { R(random.normal($0)) })
    }

    /// Uniform numbers up to 1/√inputs, as PyTorch begins a linear layer of so many inputs.
    static func uniform(rows: Int, columns: Int, inputs: Int, _ random: CounterRandom) -> Matrix {
        let bound = 1 / Double(inputs).squareRoot()
        return Matrix(rows: rows, columns: columns, (0..<rows * columns).map { R(Double(random[$0]) * bound) })
    }
}
