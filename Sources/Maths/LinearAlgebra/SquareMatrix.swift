import CKernels

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
                unsafe tenon_add_scaled(&result.values, row * order, b.values, k * order, order, a[row, k])
            }
        }
        return result
    }

    /// Adds `factor` times row `other` to row `row`, from column `first` to before `end`.
    private mutating func add(_ factor: Double, timesRow other: Int, to row: Int, from first: Int, to end: Int) {
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe tenon_add_scaled(
                values.baseAddress, row * order + first, values.baseAddress, other * order + first, end - first, factor)
        }
    }

    /// R⁻¹ of the upper triangular R with RᵀR = the leading `count` rows and columns of this; the rest is zero. Where a
    /// pivot is not above `shift`, `shift` is added to the whole diagonal first (Fukaya et al., 2020).
    func inverseCholeskyFactor(count: Int, shift: Double) -> SquareMatrix {
        let factor =
            choleskyFactor(count: count, shift: 0, least: shift)
            ?? choleskyFactor(count: count, shift: shift, least: 0) ?? .identity(order: order)
        var inverse = SquareMatrix(order: order)
        for row in (0..<count).reversed() {
            let pivot = 1 / factor[row, row]
            inverse[row, row] = pivot
            for k in row + 1..<max(row + 1, count) {
                inverse.add(-pivot * factor[row, k], timesRow: k, to: row, from: k, to: count)
            }
        }
        return inverse
    }

    /// The upper triangular factor, with zeros below; nil where a pivot is not above `least`.
    private func choleskyFactor(count: Int, shift: Double, least: Double) -> SquareMatrix? {
        var factor = self
        for row in 0..<count {
            let pivot = factor[row, row] + shift
            guard pivot > least else { return nil }
            let root = pivot.squareRoot()
            factor[row, row] = root
            for column in row + 1..<max(row + 1, count) { factor[row, column] /= root }
            for below in row + 1..<max(row + 1, count) {
                factor.add(-factor[row, below], timesRow: row, to: below, from: below, to: count)
            }
        }
        return factor
    }
}
