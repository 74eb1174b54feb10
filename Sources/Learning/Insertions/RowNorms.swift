import Kernels
import Layers

/// The norms of a layer's weights by outputs, [1, out], for DoRA: those of W's rows, or of its columns where W is [in, out].
enum RowNorms {
    static func norms<R: Real>(of linear: Linear<R>, _ engine: Engine<R>) -> Matrix<R> {
        Matrix(rows: 1, columns: linear.outputs, squares(of: linear, engine).map { $0.squareRoot() })
    }

    /// 1/‖W_j + s·B_j·A‖, from ‖W_j‖² + 2s·B_j·(A·W_jᵀ) + s²·B_j·(A·Aᵀ)·B_jᵀ: no matrix of the size of W is made.
    static func inverse<R: Real>(
        of linear: Linear<R>, plus scale: R, _ b: Matrix<R>, _ a: Matrix<R>, _ engine: Engine<R>
    ) -> Matrix<R> {
        let (rank, outputs) = (a.rows, linear.outputs)
        // 2s·A·Wᵀ + s²·A·Aᵀ·Bᵀ, [rank, out].
        let gram = Matrix<R>(rows: rank, columns: rank)
        engine.multiply(Term(a, a, transposed: true), into: gram)
        let sums = engine.workspace.matrix(rows: rank, columns: outputs)
        engine.multiply(Term(gram, b, transposed: true), into: sums)
        engine.scale(sums, by: scale / 2)
        engine.multiply(
            [Term(a, linear.weight.weight, transposed: !linear.isTransposed)], from: .accumulate, into: sums)
        engine.scale(sums, by: 2 * scale)
        let products = sums.values
        let factors = b.values
        let inverse = squares(of: linear, engine).enumerated().map { output, square in
            var sum = square
            for k in 0..<rank { sum += factors[output * rank + k] * products[k * outputs + output] }
            return 1 / max(sum, 0).squareRoot()
        }
        return Matrix(rows: 1, columns: outputs, inverse)
    }

    private static func squares<R: Real>(of linear: Linear<R>, _ engine: Engine<R>) -> [R] {
        let weight = linear.weight.weight
        if linear.isTransposed { return columnSquares(of: weight, engine) }
        let column = engine.workspace.matrix(rows: weight.rows, columns: 1)
        engine.rowSquares(weight, into: column)
        return column.values
    }

    /// Of the columns, a block of rows at a time, which are summed in fp64.
    private static func columnSquares<R: Real>(of weight: Weight<R>, _ engine: Engine<R>) -> [R] {
        var sums = [Double](repeating: 0, count: weight.columns)
        let squares = Matrix<R>(rows: 1, columns: weight.columns)
        for first in stride(from: 0, to: weight.rows, by: 64) {
            let block = weight.rows(first..<min(first + 64, weight.rows)).widened()
            squares.fill(0)
            engine.addColumnSums(of: block, times: block, into: squares)
            for (column, square) in squares.values.enumerated() { sums[column] += Double(square) }
        }
        return sums.map { R($0) }
    }
}
