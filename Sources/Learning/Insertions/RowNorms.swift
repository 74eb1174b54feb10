import Kernels

/// The norms of a weight's rows, [1, rows], for DoRA.
enum RowNorms {
    static func norms<R: Real>(of weight: Weight<R>, _ engine: Engine<R>) -> Matrix<R> {
        Matrix(rows: 1, columns: weight.rows, squares(of: weight, engine).map { $0.squareRoot() })
    }

    /// 1/‖W_j + s·B_j·A‖, from ‖W_j‖² + 2s·B_j·(A·W_jᵀ) + s²·B_j·(A·Aᵀ)·B_jᵀ: no matrix of the size of W is made.
    static func inverse<R: Real>(
        of weight: Weight<R>, plus scale: R, _ b: Matrix<R>, _ a: Matrix<R>, _ engine: Engine<R>
    ) -> Matrix<R> {
        let rank = a.rows
        // 2s·A·Wᵀ + s²·A·Aᵀ·Bᵀ, [rank, rows].
        let gram = Matrix<R>(rows: rank, columns: rank)
        engine.multiply(Term(a, a, transposed: true), into: gram)
        let sums = engine.workspace.matrix(rows: rank, columns: weight.rows)
        engine.multiply(Term(gram, b, transposed: true), into: sums)
        engine.scale(sums, by: scale / 2)
        engine.multiply([Term(a, weight, transposed: true)], from: .accumulate, into: sums)
        engine.scale(sums, by: 2 * scale)
        let products = sums.values
        let factors = b.values
        let inverse = squares(of: weight, engine).enumerated().map { row, square in
            var sum = square
            for k in 0..<rank { sum += factors[row * rank + k] * products[k * weight.rows + row] }
            return 1 / max(sum, 0).squareRoot()
        }
        return Matrix(rows: 1, columns: weight.rows, inverse)
    }

    private static func squares<R: Real>(of weight: Weight<R>, _ engine: Engine<R>) -> [R] {
        let column = engine.workspace.matrix(rows: weight.rows, columns: 1)
        engine.rowSquares(weight, into: column)
        return column.values
    }
}
