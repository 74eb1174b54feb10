import Diagnostics

/// A square matrix in fp64, for rotations of small blocks.
struct SquareMatrix: Sendable {
    let side: Int
    var values: [Double]

    init(side: Int, _ values: [Double]) {
        precondition(values.count == side * side)
        self.side = side
        self.values = values
    }

    static func identity(_ side: Int) -> SquareMatrix {
        var matrix = SquareMatrix(side: side, [Double](repeating: 0, count: side * side))
        for index in 0..<side { matrix[index, index] = 1 }
        return matrix
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * side + column] }
        set { values[row * side + column] = newValue }
    }

    static func * (a: SquareMatrix, b: SquareMatrix) -> SquareMatrix {
        var result = SquareMatrix(side: a.side, [Double](repeating: 0, count: a.values.count))
        for row in 0..<a.side {
            for k in 0..<a.side {
                let factor = a[row, k]
                if factor == 0 { continue }
                for column in 0..<a.side { result[row, column] += factor * b[k, column] }
            }
        }
        return result
    }

    /// This plus `factor` times another.
    mutating func add(_ other: SquareMatrix, times factor: Double = 1) {
        for index in values.indices { values[index] += factor * other.values[index] }
    }

    // MARK: Cayley

    /// (I − Q)·(I + Q)⁻¹: a rotation where Q is skew. The two factors commute, so (I + Q)·R = I − Q is solved.
    ///
    /// Throws ``Failure/Code/kindShape`` where Q has an element that is not finite.
    static func cayley(_ q: SquareMatrix) throws(Failure) -> SquareMatrix {
        var left = identity(q.side)
        left.add(q)
        var right = identity(q.side)
        right.add(q, times: -1)
        try left.eliminate(&right)
        return right
    }

    /// I + 2Q + 2Q² + … + 2Q^(n−2) + Q^(n−1), the transform of −Q cut off after n terms, as PEFT sums it.
    static func truncatedCayley(_ q: SquareMatrix, terms: Int) -> SquareMatrix {
        var sum = identity(q.side)
        guard terms > 1 else { return sum }
        sum.add(q, times: 2)
        guard terms > 2 else { return sum }
        var power = q * q
        sum.add(power, times: 2)
        for _ in stride(from: 3, to: terms - 1, by: 1) {
            power = power * q
            sum.add(power, times: 2)
        }
        sum.add(power * q)
        return sum
    }

    /// Turns this into the identity by operations on rows, done to `right` too; takes the largest pivot of a column.
    private mutating func eliminate(_ right: inout SquareMatrix) throws(Failure) {
        guard values.allSatisfy(\.isFinite) else {
            throw Failure(.kindShape, "a rotation has elements that are not finite")
        }
        for column in 0..<side {
            var pivot = column
            for row in column..<side where abs(self[row, column]) > abs(self[pivot, column]) { pivot = row }
            guard self[pivot, column] != 0 else { throw Failure(.kindShape, "a rotation cannot be inverted") }
            if pivot != column {
                exchange(pivot, column)
                right.exchange(pivot, column)
            }
            let scale = 1 / self[column, column]
            scaleRow(column, by: scale)
            right.scaleRow(column, by: scale)
            for row in 0..<side where row != column {
                let factor = self[row, column]
                if factor == 0 { continue }
                subtract(column, times: factor, from: row)
                right.subtract(column, times: factor, from: row)
            }
        }
    }

    private mutating func exchange(_ a: Int, _ b: Int) {
        for column in 0..<side { values.swapAt(a * side + column, b * side + column) }
    }

    private mutating func scaleRow(_ row: Int, by factor: Double) {
        for column in 0..<side { self[row, column] *= factor }
    }

    private mutating func subtract(_ source: Int, times factor: Double, from row: Int) {
        for column in 0..<side { self[row, column] -= factor * self[source, column] }
    }
}
