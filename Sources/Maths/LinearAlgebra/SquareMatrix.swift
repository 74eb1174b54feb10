/// A small matrix in fp64, row-major.
package struct SquareMatrix: Sendable {
    package let order: Int
    package var values: [Double]

    /// All zeros.
    package init(order: Int) {
        self.order = order
        values = [Double](repeating: 0, count: order * order)
    }

    package static func identity(order: Int) -> SquareMatrix {
        var result = SquareMatrix(order: order)
        for index in 0..<order { result[index, index] = 1 }
        return result
    }

    package subscript(row: Int, column: Int) -> Double {
        get { values[row * order + column] }
        set { values[row * order + column] = newValue }
    }

    package var transposed: SquareMatrix {
        var result = SquareMatrix(order: order)
        for row in 0..<order {
            for column in 0..<order { result[column, row] = self[row, column] }
        }
        return result
    }

    package static func * (a: SquareMatrix, b: SquareMatrix) -> SquareMatrix {
        let order = a.order
        var result = SquareMatrix(order: order)
        for row in 0..<order {
            for k in 0..<order {
                let factor = a[row, k]
                if factor == 0 { continue }
                for column in 0..<order { result.values[row * order + column] += factor * b.values[k * order + column] }
            }
        }
        return result
    }

    /// R⁻¹ of the upper triangular R with RᵀR = the leading `count` rows and columns of this; the rest is zero. Where a
    /// pivot is not above `shift`, `shift` is added to the whole diagonal first (Fukaya et al., 2020).
    func inverseCholeskyFactor(count: Int, shift: Double) -> SquareMatrix {
        let factor =
            choleskyFactor(count: count, shift: 0, least: shift)
            ?? choleskyFactor(count: count, shift: shift, least: 0) ?? .identity(order: order)
        var inverse = SquareMatrix(order: order)
        for column in 0..<count {
            inverse[column, column] = 1 / factor[column, column]
            for row in (0..<column).reversed() {
                var sum = 0.0
                for k in (row + 1)...column { sum += factor[row, k] * inverse[k, column] }
                inverse[row, column] = -sum / factor[row, row]
            }
        }
        return inverse
    }

    /// Nil where a pivot is not above `least`.
    private func choleskyFactor(count: Int, shift: Double, least: Double) -> SquareMatrix? {
        var factor = SquareMatrix(order: order)
        for row in 0..<count {
            for column in row..<count {
                var sum = self[row, column]
                for k in 0..<row { sum -= factor[k, row] * factor[k, column] }
                if row == column {
                    sum += shift
                    guard sum > least else { return nil }
                    factor[row, row] = sum.squareRoot()
                } else {
                    factor[row, column] = sum / factor[row, row]
                }
            }
        }
        return factor
    }
}
