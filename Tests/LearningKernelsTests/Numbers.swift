import Kernels
import Support

extension RepeatableRandom {
    /// Numbers in [−1, 1), in rows that lie further apart than they are long.
    mutating func matrix<R: Real>(_ rows: Int, _ columns: Int) -> Matrix<R> {
        let wide = Matrix<R>(rows: rows, columns: columns + 3)
        for row in 0..<rows {
            for column in 0..<columns { wide[row, column + 2] = R(Double.random(in: -1..<1, using: &self)) }
        }
        return wide.columns(2..<columns + 2)
    }
}

extension Matrix {
    /// A copy of its own.
    func copied() -> Matrix { Matrix(rows: rows, columns: columns, values) }

    /// Σ a ∘ b.
    func dot(_ other: Matrix) -> Double {
        zip(values, other.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}

/// How far `gradient` is from the slope of `loss` along a random direction of `x`, relative to the slope; by differences of
/// the fourth order. What `loss` reads of `x` changes meanwhile and comes back.
func slopeError(
    _ x: Matrix<Double>, gradient: Matrix<Double>, _ random: inout RepeatableRandom, loss: () -> Double
) -> Double {
    let direction: Matrix<Double> = random.matrix(x.rows, x.columns), before = x.copied()
    let step = 2e-3
    func moved(_ steps: Double) -> Double {
        for row in 0..<x.rows {
            for column in 0..<x.columns {
                x[row, column] = before[row, column] + steps * step * direction[row, column]
            }
        }
        defer { x.copy(from: before) }
        return loss()
    }
    let slope = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step)
    return abs(slope - gradient.dot(direction)) / max(1e-3, abs(slope))
}

/// Naive products and sums in the order the kernels promise.
func chain<R: Real>(_ start: R, _ terms: [(Matrix<R>, Matrix<R>)], _ row: Int, _ column: Int) -> R {
    var sum = start
    for (a, b) in terms {
        for k in 0..<a.columns { sum.addProduct(a[row, k], b[k, column]) }
    }
    return sum
}

extension Matrix {
    func turned() -> Matrix {
        let turned = Matrix(rows: columns, columns: rows)
        for row in 0..<rows {
            for column in 0..<columns { turned[column, row] = self[row, column] }
        }
        return turned
    }
}
