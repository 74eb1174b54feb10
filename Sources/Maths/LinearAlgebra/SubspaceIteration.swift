package import Diagnostics
package import Parallelism

/// A matrix's largest singular values with their vectors, as far as they were asked for.
package struct Approximation: Sendable {
    /// ‖matrix‖², exact to fp64.
    package let power: Double
    /// Descending; fewer than asked for where the matrix has a smaller rank to the precision of fp32.
    package let values: [Double]
    /// Column i of each is the unit vector of value i; more columns may follow.
    package let left: Panel
    package let right: Panel
    /// Whether there are no more values than these.
    package let isComplete: Bool

    package var byteCount: Int { (left.values.count + right.values.count) * MemoryLayout<Float>.stride }

    /// ‖matrix − its best approximation by the first `rank` vectors‖².
    package func tail(after rank: Int) -> Double {
        max(0, power - values.prefix(rank).reduce(0) { $0 + $1 * $1 })
    }
}

/// The best approximation of low rank, by randomized block subspace iteration (Halko, Martinsson and Tropp, 2011,
/// algorithms 4.4 and 5.1): with X random and q = 2 power rounds or more, the matrix is projected onto the range of
/// (D·Dᵀ)^q·D·X.
///
/// One pass over D makes both D·X and Dᵀ·D·X, so that q rounds take q + 1 passes and the projection none of its own. X is
/// turned to the Ritz vectors of each round and scaled before it is made orthonormal, which keeps small directions apart
/// from the rounding of large ones. Rounds go on until they gain next to nothing.
package final class SubspaceIteration {
    private var matrix: TiledMatrix
    private let random: CounterRandom
    private let lanes: Lanes
    /// What is known of the right vectors: a later call goes on from there.
    private var basis: (panel: Panel, count: Int)?

    package init(_ matrix: TiledMatrix, random: CounterRandom, lanes: Lanes) {
        self.matrix = matrix
        self.random = random
        self.lanes = lanes
    }

    /// Goes on from the vectors of an approximation that was made before.
    package func resume(from approximation: Approximation) {
        if !approximation.values.isEmpty { basis = (approximation.right, approximation.values.count) }
    }

    private static let fewestPasses = 3
    private static let mostPasses = 8
    /// The share of what is left over that another pass must gain.
    private static let leastGain = 0.002
    /// Singular values below this share of the largest are rounding of fp32.
    private static let precision = 0x1p-20

    /// The first `rank` singular values and vectors.
    package func approximate(rank: Int) throws(Failure) -> Approximation {
        let most = min(matrix.rows, matrix.columns)
        let rank = min(rank, most)
        // Ten or so columns more than asked for make a good range likely; those that fill a vector are free.
        let count = min(most, (rank + 8).paddedToTile)
        var panel = try start(count)
        var captured = 0.0
        var pass = 1
        while true {
            var products = try matrix.multiply(panel, lanes)
            let power = matrix.power
            if power == 0 { return empty }
            if pass == 1, !(0x1p-80...0x1p80).contains(power), matrix.scale == 1 {
                matrix = matrix.rescaled(power: power)
                products = try matrix.multiply(panel, lanes)
            }
            let ritz = SymmetricEigen(try products.image.gram(lanes))
            let known = ritz.values.reduce(0) { $1 > ritz.values[0] * Self.precision * Self.precision ? $0 + 1 : $0 }
            let now = ritz.values.prefix(min(rank, known)).reduce(0, +)
            let unit = Double(matrix.scale) * Double(matrix.scale)
            let isSettled = now - captured <= Self.leastGain * (power * unit - now) || known < count
            if pass >= Self.fewestPasses, isSettled || pass == Self.mostPasses {
                return try project(products, ritz, count: known, rank: rank, power: power)
            }
            captured = now
            var turn = SquareMatrix(order: panel.width)
            for column in 0..<known {
                for row in 0..<panel.width { turn[row, column] = ritz.vectors[column, row] / ritz.values[column] }
            }
            panel = try products.turned.multiplied(by: turn, lanes).orthonormalized(known, lanes)
            pass += 1
        }
    }

    /// `count` columns to begin with: what is known, then random ones.
    private func start(_ count: Int) throws(Failure) -> Panel {
        let panel = Panel(rows: matrix.columns, columns: count)
        let known = min(count, basis?.count ?? 0)
        if let basis { panel.copy(known, of: basis.panel) }
        for row in 0..<panel.rows {
            for column in known..<count { panel[row, column] = random[column * panel.rows + row] }
        }
        return try panel.orthonormalized(count, lanes)
    }

    private var empty: Approximation {
        Approximation(
            power: 0, values: [], left: Panel(rows: matrix.rows, columns: 1),
            right: Panel(rows: matrix.columns, columns: 1), isComplete: true)
    }

    /// The singular vectors of D within the range of D·X. With D·X = Q·S·Wᵀ, Qᵀ·D is S⁻¹·Wᵀ·(Dᵀ·D·X)ᵀ; the eigenvectors
    /// of its Gram matrix turn Q and it.
    private func project(
        _ products: TiledMatrix.Products, _ ritz: SymmetricEigen, count: Int, rank: Int, power: Double
    ) throws(Failure) -> Approximation {
        let order = ritz.vectors.order
        var range = SquareMatrix(order: order)
        for column in 0..<count {
            let size = ritz.values[column].squareRoot()
            for row in 0..<order { range[row, column] = ritz.vectors[column, row] / size }
        }
        let turned = SymmetricEigen(range.transposed * (try products.turned.gram(lanes)) * range)
        let values = turned.values.prefix(min(count, rank)).map { max(0, $0).squareRoot() }
        let leftTurn = range * turned.vectors.transposed
        var rightTurn = leftTurn
        for column in 0..<order {
            let size = turned.values[column]
            let factor = column < count && size > 0 ? 1 / size.squareRoot() : 0
            for row in 0..<order { rightTurn[row, column] *= factor }
        }
        let left = try products.image.multiplied(by: leftTurn, lanes)
        let right = try products.turned.multiplied(by: rightTurn, lanes)
        basis = (right, min(count, rank))
        let scale = Double(matrix.scale)
        return Approximation(
            power: power, values: values.map { $0 / scale }, left: left, right: right,
            isComplete: count <= rank || rank == min(matrix.rows, matrix.columns))
    }
}
