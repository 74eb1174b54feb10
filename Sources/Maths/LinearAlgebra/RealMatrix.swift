import CKernels

/// A matrix in fp64, row-major, small enough to be held.
package struct RealMatrix: Hashable, Sendable {
    package let rows: Int
    package let columns: Int
    package var values: [Double]

    /// All zeros.
    package init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, [Double](repeating: 0, count: rows * columns))
    }

    package init(rows: Int, columns: Int, _ values: [Double]) {
        precondition(values.count == rows * columns)
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    package subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    package var transposed: RealMatrix {
        var result = RealMatrix(rows: columns, columns: rows)
        // Squares of both sides that stay in the cache.
        let side = 32
        for top in stride(from: 0, to: rows, by: side) {
            for left in stride(from: 0, to: columns, by: side) {
                for row in top..<min(rows, top + side) {
                    for column in left..<min(columns, left + side) {
                        result.values[column * rows + row] = values[row * columns + column]
                    }
                }
            }
        }
        return result
    }

    package static func * (a: RealMatrix, b: RealMatrix) -> RealMatrix {
        precondition(a.columns == b.rows)
        var result = RealMatrix(rows: a.rows, columns: b.columns)
        for row in 0..<a.rows {
            for k in 0..<a.columns {
                unsafe tenon_add_scaled(
                    &result.values, row * b.columns, b.values, k * b.columns, b.columns, a[row, k])
            }
        }
        return result
    }

    /// Self · otherᵀ: the inner products of the rows of both.
    package func timesTransposed(_ other: RealMatrix) -> RealMatrix {
        precondition(columns == other.columns)
        var result = RealMatrix(rows: rows, columns: other.rows)
        for row in 0..<rows {
            for column in 0..<other.rows {
                result[row, column] = unsafe tenon_inner(
                    values, row * columns, other.values, column * columns, columns)
            }
        }
        return result
    }

    /// Σ over all elements of the products of both.
    package func dot(_ other: RealMatrix) -> Double {
        precondition(rows == other.rows && columns == other.columns)
        return unsafe tenon_inner(values, 0, other.values, 0, values.count)
    }

    /// Adds `factor` times a matrix of the same sides.
    package mutating func add(_ factor: Double, times other: RealMatrix) {
        precondition(rows == other.rows && columns == other.columns)
        unsafe tenon_add_scaled(&values, 0, other.values, 0, values.count, factor)
    }

    package func scaled(by factor: Double) -> RealMatrix {
        factor == 1 ? self : RealMatrix(rows: rows, columns: columns, values.map { factor * $0 })
    }

    /// Each row times its factor.
    package func scalingRows(by factors: [Double]) -> RealMatrix {
        precondition(factors.count == rows)
        var result = self
        for row in 0..<rows {
            for place in row * columns..<(row + 1) * columns { result.values[place] *= factors[row] }
        }
        return result
    }

    package func rows(_ range: Range<Int>) -> RealMatrix {
        RealMatrix(
            rows: range.count, columns: columns,
            Array(values[range.lowerBound * columns..<range.upperBound * columns]))
    }

    package func columns(_ range: Range<Int>) -> RealMatrix {
        var part: [Double] = []
        part.reserveCapacity(rows * range.count)
        for row in 0..<rows {
            part += values[row * columns + range.lowerBound..<row * columns + range.upperBound]
        }
        return RealMatrix(rows: rows, columns: range.count, part)
    }

    /// One below the other.
    package static func stacked(_ matrices: [RealMatrix], columns: Int) -> RealMatrix {
        var values: [Double] = []
        values.reserveCapacity(matrices.reduce(0) { $0 + $1.values.count })
        for matrix in matrices {
            precondition(matrix.columns == columns)
            values += matrix.values
        }
        return RealMatrix(rows: matrices.reduce(0) { $0 + $1.rows }, columns: columns, values)
    }

    package var largestMagnitude: Double { values.reduce(0) { max($0, $1.magnitude) } }
}
