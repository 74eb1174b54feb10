import CKernels

/// All eigenvalues and eigenvectors of a small symmetric matrix, in fp64: Householder's reduction to a tridiagonal matrix
/// and implicit QL steps (Golub and Van Loan, "Matrix Computations", §8.3).
package struct SymmetricEigen: Sendable {
    /// Descending.
    package let values: [Double]
    /// Row i is the unit vector of value i.
    package let vectors: SquareMatrix

    package init(_ matrix: SquareMatrix) {
        let order = matrix.order
        var reduction = Tridiagonal(matrix)
        reduction.diagonalize()
        let ranking = (0..<order).sorted { a, b in
            let (x, y) = (reduction.diagonal[a], reduction.diagonal[b])
            return x == y ? a < b : x > y
        }
        var vectors = SquareMatrix(order: order)
        for (row, place) in ranking.enumerated() {
            for column in 0..<order { vectors[row, column] = reduction.basis[place, column] }
        }
        values = ranking.map { reduction.diagonal[$0] }
        self.vectors = vectors
    }
}

/// A symmetric matrix as Rᵀ T R: T tridiagonal, the rows of R orthonormal.
private struct Tridiagonal {
    var diagonal: [Double]
    /// The element right of each of the diagonal; the last is zero.
    var beside: [Double]
    var basis: SquareMatrix

    init(_ matrix: SquareMatrix) {
        let order = matrix.order
        var work = matrix
        beside = [Double](repeating: 0, count: order)
        var reflections: [Reflection] = []
        for k in 0..<max(0, order - 2) {
            guard let reflection = Reflection(of: work, column: k) else {
                beside[k] = work[k + 1, k]
                continue
            }
            beside[k] = reflection.image
            reflection.apply(onBothSidesOf: &work)
            reflections.append(reflection)
        }
        if order >= 2 { beside[order - 2] = work[order - 1, order - 2] }
        diagonal = (0..<order).map { work[$0, $0] }
        var columns = SquareMatrix.identity(order: order)
        for reflection in reflections.reversed() { reflection.apply(toRowsOf: &columns) }
        basis = columns.transposed
    }

    /// Turns T into a diagonal matrix.
    mutating func diagonalize() {
        for first in diagonal.indices {
            while let last = blockEnd(from: first) { step(first, last) }
        }
    }

    /// The last row that hangs together with `first`; nil where that one stands alone.
    private func blockEnd(from first: Int) -> Int? {
        var last = first
        while last < diagonal.count - 1 {
            let size = diagonal[last].magnitude + diagonal[last + 1].magnitude
            if beside[last].magnitude <= size * 0x1p-52 { break }
            last += 1
        }
        return last == first ? nil : last
    }

    /// One implicit QL step on rows `first` to `last`, with Wilkinson's shift.
    private mutating func step(_ first: Int, _ last: Int) {
        let half = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first])
        let root = length(half, 1)
        var bulge = diagonal[last] - diagonal[first] + beside[first] / (half + (half < 0 ? -root : root))
        var (sine, cosine, carried) = (1.0, 1.0, 0.0)
        for row in (first..<last).reversed() {
            let (f, b) = (sine * beside[row], cosine * beside[row])
            let radius = length(f, bulge)
            beside[row + 1] = radius
            if radius == 0 {
                diagonal[row + 1] -= carried
                beside[last] = 0
                return
            }
            (sine, cosine) = (f / radius, bulge / radius)
            let shifted = diagonal[row + 1] - carried
            let change = (diagonal[row] - shifted) * sine + 2 * cosine * b
            carried = sine * change
            diagonal[row + 1] = shifted + carried
            bulge = cosine * change - b
            rotate(row, sine, cosine)
        }
        diagonal[first] -= carried
        beside[first] = bulge
        beside[last] = 0
    }

    private mutating func rotate(_ row: Int, _ sine: Double, _ cosine: Double) {
        let order = basis.order
        unsafe tenon_rotate(&basis.values, row * order, (row + 1) * order, order, sine, cosine)
    }

    private func length(_ x: Double, _ y: Double) -> Double {
        let larger = max(x.magnitude, y.magnitude)
        guard larger > 0 else { return 0 }
        let ratio = min(x.magnitude, y.magnitude) / larger
        return larger * (1 + ratio * ratio).squareRoot()
    }
}

/// I − v·vᵀ/h, where v is zero before `first`.
private struct Reflection {
    let first: Int
    let vector: [Double]
    let half: Double
    /// What the column's part becomes in its first element.
    let image: Double

    /// Takes column `column` below the diagonal to its first element; nil where nothing stands below that.
    init?(of matrix: SquareMatrix, column: Int) {
        first = column + 1
        var part = (first..<matrix.order).map { matrix[$0, column] }
        guard part.dropFirst().contains(where: { $0 != 0 }) else { return nil }
        let largest = part.reduce(0) { max($0, $1.magnitude) }
        let norm = largest * part.reduce(0) { $0 + $1 / largest * ($1 / largest) }.squareRoot()
        image = part[0] > 0 ? -norm : norm
        part[0] -= image
        // Scaled, so that squares of tiny elements do not vanish.
        part = part.map { $0 / norm }
        vector = part
        half = part.reduce(0) { $0 + $1 * $1 } / 2
    }

    func apply(onBothSidesOf matrix: inout SquareMatrix) {
        let (order, count) = (matrix.order, vector.count)
        var turned = [Double](repeating: 0, count: count)
        for row in 0..<count {
            let start = (row + first) * order + first
            unsafe tenon_add_scaled(&turned, 0, matrix.values, start, count, vector[row] / half)
        }
        let share = zip(vector, turned).reduce(0) { $0 + $1.0 * $1.1 } / (2 * half)
        for index in 0..<count { turned[index] -= share * vector[index] }
        for row in 0..<count {
            let start = (row + first) * order + first
            unsafe tenon_add_scaled(&matrix.values, start, turned, 0, count, -vector[row])
            unsafe tenon_add_scaled(&matrix.values, start, vector, 0, count, -turned[row])
        }
    }

    func apply(toRowsOf matrix: inout SquareMatrix) {
        let order = matrix.order
        var sums = [Double](repeating: 0, count: order)
        for (index, factor) in vector.enumerated() {
            unsafe tenon_add_scaled(&sums, 0, matrix.values, (index + first) * order, order, factor)
        }
        for (index, factor) in vector.enumerated() {
            unsafe tenon_add_scaled(&matrix.values, (index + first) * order, sums, 0, order, -factor / half)
        }
    }
}
