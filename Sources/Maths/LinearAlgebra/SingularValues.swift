import CKernels

/// All singular values and vectors of a small matrix in fp64: a QR decomposition, then rotations of the rows of R until
/// they are orthogonal (Hestenes, 1958; Drmač and Veselić, "New fast and accurate Jacobi SVD algorithm", 2008).
///
/// The result depends on the matrix and on whether the processor has fused multiply-adds, on nothing else.
package struct SingularValues: Sendable {
    /// Descending; as many as the lesser side has places.
    package let values: [Double]
    /// Row i is the left unit vector of value i. Of values that are 0 one of the two vectors is 0 as well.
    package let left: RealMatrix
    /// Row i is the right unit vector of value i.
    package let right: RealMatrix

    package init(_ matrix: RealMatrix) {
        let isWide = matrix.columns > matrix.rows
        let scale = Self.scale(matrix.largestMagnitude)
        let qr = HouseholderQR(columns: (isWide ? matrix : matrix.transposed).scaled(by: scale))
        var rotation = RowRotation(qr.factor)
        rotation.run()
        let order = rotation.order
        let norms = (0..<order).map { rotation.squaredNorm($0).squareRoot() }
        let ranking = (0..<order).sorted { a, b in norms[a] == norms[b] ? a < b : norms[a] > norms[b] }
        var turned = RealMatrix(rows: order, columns: order)
        var units = RealMatrix(rows: order, columns: order)
        for (row, place) in ranking.enumerated() {
            let factor = norms[place] > 0 ? 1 / norms[place] : 0
            for column in 0..<order {
                units[row, column] = factor * rotation.work[place, column]
                turned[row, column] = rotation.work[place, order + column]
            }
        }
        let long = qr.applied(to: turned)
        values = ranking.map { norms[$0] / scale }
        left = isWide ? units : long
        right = isWide ? long : units
    }

    /// A power of two that brings the largest element near one.
    private static func scale(_ largest: Double) -> Double {
        guard largest > 0, largest.isFinite else { return 1 }
        return Double(sign: .plus, exponent: max(-1000, min(1000, -Int(largest.exponent))), significand: 1)
    }

    /// How many values exceed `share` of the largest.
    package func rank(above share: Double) -> Int {
        guard let largest = values.first, largest > 0 else { return 0 }
        return values.prefix { $0 > share * largest }.count
    }
}

/// The rows of a square matrix, and beside them those of the rotation that made them what they are.
private struct RowRotation {
    let order: Int
    /// [order, 2·order].
    private(set) var work: RealMatrix
    private let leastCosine: Double

    private static let mostSweeps = 60

    init(_ matrix: RealMatrix) {
        order = matrix.rows
        work = RealMatrix(rows: order, columns: 2 * order)
        for row in 0..<order {
            for column in 0..<order { work[row, column] = matrix[row, column] }
            work[row, order + row] = 1
        }
        leastCosine = 0x1p-52 * max(4, Double(order).squareRoot())
    }

    func squaredNorm(_ row: Int) -> Double { product(row, row) }

    private func product(_ a: Int, _ b: Int) -> Double {
        unsafe tenon_inner(work.values, a * work.columns, work.values, b * work.columns, order)
    }

    /// Turns pairs of rows until all are orthogonal.
    mutating func run() {
        var squares = (0..<order).map(squaredNorm)
        for _ in 0..<Self.mostSweeps {
            var isDone = true
            for upper in 0..<order {
                for lower in upper + 1..<max(upper + 1, order) {
                    guard squares[upper] > 0, squares[lower] > 0 else { continue }
                    let inner = product(upper, lower)
                    let size = squares[upper].squareRoot() * squares[lower].squareRoot()
                    guard inner.magnitude > leastCosine * size else { continue }
                    isDone = false
                    rotate(upper, lower, inner, squares)
                    squares[upper] = squaredNorm(upper)
                    squares[lower] = squaredNorm(lower)
                }
            }
            if isDone { break }
        }
    }

    /// By the lesser of the two angles that make the rows orthogonal.
    private mutating func rotate(_ upper: Int, _ lower: Int, _ inner: Double, _ squares: [Double]) {
        let ratio = (squares[lower] - squares[upper]) / (2 * inner)
        let tangent = (ratio < 0 ? -1 : 1) / (ratio.magnitude + (1 + ratio * ratio).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        unsafe tenon_rotate(
            &work.values, upper * work.columns, lower * work.columns, work.columns, cosine * tangent, cosine)
    }
}
