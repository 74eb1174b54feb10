import CKernels
import LinearAlgebra

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A small matrix in fp64.
private typealias Gram = LinearAlgebra.SquareMatrix

/// The inner products, in fp64, of what two changes are made of, X = L₁·R₁ and Y = L₂·R₂; the thinner one is widened by
/// zeros. The changes themselves are never multiplied out: ⟨P·Q, S·T⟩ = tr((Pᵀ·S)·(T·Qᵀ)).
///
/// The products are taken of one side and of the difference of both, L₂ − L₁ and R₂ − R₁, so that the difference of two
/// changes that are nearly equal keeps its digits: Y − X = (L₂ − L₁)·R₂ + L₁·(R₂ − R₁).
struct FactorGrams {
    /// Of the columns of L₁ and then of those of L₂ − L₁.
    private let left: Gram
    /// Of the rows of R₂ and then of those of R₂ − R₁.
    private let right: Gram
    private let rank: Int

    init(_ x: (left: Matrix, right: Matrix), _ y: (left: Matrix, right: Matrix)) {
        let rank = max(x.left.columns, y.left.columns)
        self.rank = rank
        let (rows, columns) = (x.left.rows, x.right.columns)
        let (own, others) = (x.left.columns, y.left.columns)
        left = unsafe Self.gram(count: rows, width: 2 * rank) { panel, width in
            unsafe Self.withElements(x.left, y.left) { x, y in
                for row in 0..<rows {
                    let place = unsafe panel + row * width
                    for k in 0..<own { unsafe place[k] = x[row * own + k] }
                    for k in 0..<others { unsafe place[rank + k] = y[row * others + k] }
                    for k in 0..<own { unsafe place[rank + k] -= place[k] }
                }
            }
        }
        right = unsafe Self.gram(count: columns, width: 2 * rank) { panel, width in
            unsafe Self.withElements(x.right, y.right) { x, y in
                for column in 0..<columns {
                    let place = unsafe panel + column * width
                    for k in 0..<others {
                        let value = unsafe y[k * columns + column]
                        unsafe place[k] = value
                        unsafe place[rank + k] = value
                    }
                    for k in 0..<own { unsafe place[rank + k] -= x[k * columns + column] }
                }
            }
        }
    }

    private static func withElements(
        _ x: Matrix, _ y: Matrix, _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) -> Void
    ) {
        unsafe x.values.withUnsafeBufferPointer { first in
            unsafe y.values.withUnsafeBufferPointer { second in unsafe body(first, second) }
        }
    }

    /// Panelᵀ · panel of a panel of `count` rows that `fill` writes.
    private static func gram(
        count: Int, width: Int, _ fill: (UnsafeMutablePointer<Float>, Int) -> Void
    ) -> Gram {
        let padded = width.paddedToTile
        let panel = SharedBuffer<Float>(count: count * padded)
        unsafe fill(panel.start, padded)
        var products = [Double](repeating: 0, count: padded * padded)
        withExtendedLifetime(panel) { unsafe tenon_panel_gram(panel.start, count, padded, &products) }
        var gram = Gram(order: width)
        for row in 0..<width {
            for column in row..<width {
                gram[row, column] = products[row * padded + column]
                gram[column, row] = products[row * padded + column]
            }
        }
        return gram
    }

    // MARK: Sums

    var sums: DiffSums {
        let change = changeLeft.product(changeRight)
        let base = ownLeft(.base).product(ownRight(.base))
        let other = ownLeft(.other).product(ownRight(.other))
        var sums = DiffSums(
            basePower: base, otherPower: other, product: (base + other - change) / 2, changePower: change)
        sums.elements = nil
        return sums
    }

    // MARK: Spectra

    /// Of Y − X; nil where that is zero.
    var changeSpectrum: ChangeSpectrum? {
        var spectrum = Self.spectrum(changeLeft, changeRight)
        spectrum?.angles = angles
        return spectrum
    }

    /// Between the ranges of X and Y; nil where one of them is zero.
    private var angles: ChangeSpectrum.Angles? {
        let columns = Self.angles(ownLeft(.base), ownLeft(.other), crossing: crossLeft)
        let rows = Self.angles(ownRight(.base), ownRight(.other), crossing: crossRight)
        guard let columns, let rows else { return nil }
        return ChangeSpectrum.Angles(columns: columns, rows: rows)
    }

    /// The singular values of P·Q from PᵀP and Q·Qᵀ: the roots of the eigenvalues of √(PᵀP)·(Q·Qᵀ)·√(PᵀP).
    private static func spectrum(_ left: Gram, _ right: Gram) -> ChangeSpectrum? {
        let eigen = SymmetricEigen(left)
        var root = Gram(order: left.order)
        for row in 0..<left.order {
            let size = max(0, eigen.values[row]).squareRoot()
            for column in 0..<left.order { root[row, column] = size * eigen.vectors[row, column] }
        }
        let values = SymmetricEigen(root * right * root.transposed).values.map { max(0, $0) }
        let least = (values.first ?? 0) * precision
        return ChangeSpectrum(
            values: values.filter { $0 > least }.map { $0.squareRoot() }, power: values.reduce(0, +), isComplete: true)
    }

    /// Eigenvalues of a Gram matrix below this share of the largest are rounding of the factors.
    private static let precision = 1e-12

    /// The angles whose cosines are the singular values of Q₁ᵀ·Q₂, with Q orthonormal bases of both ranges.
    private static func angles(
        _ one: Gram, _ other: Gram, crossing: Gram
    ) -> [Double]? {
        let (p, rank) = inverseRoot(one)
        let (q, otherRank) = inverseRoot(other)
        let count = min(rank, otherRank)
        guard count > 0 else { return nil }
        let cosines = p * crossing * q.transposed
        return SymmetricEigen(cosines * cosines.transposed).values.prefix(count).map { square in
            acos(max(0, min(1, square)).squareRoot()) * 180 / .pi
        }
    }

    /// W with W·G·Wᵀ the identity on G's range, and how many dimensions that has.
    private static func inverseRoot(_ gram: Gram) -> (Gram, rank: Int) {
        let eigen = SymmetricEigen(gram)
        var root = Gram(order: gram.order)
        var rank = 0
        for row in 0..<gram.order where eigen.values[row] > max(0, eigen.values[0]) * precision {
            let size = eigen.values[row].squareRoot()
            for column in 0..<gram.order { root[row, column] = eigen.vectors[row, column] / size }
            rank += 1
        }
        return (root, rank)
    }

    // MARK: Parts

    private enum Side { case base, other }

    /// Of the columns of [L₂ − L₁, L₁].
    private var changeLeft: Gram {
        var gram = Gram(order: 2 * rank)
        for row in 0..<2 * rank {
            for column in 0..<2 * rank {
                gram[row, column] = left[(row + rank) % (2 * rank), (column + rank) % (2 * rank)]
            }
        }
        return gram
    }

    /// Of the rows of [R₂; R₂ − R₁].
    private var changeRight: Gram { right }

    private func ownLeft(_ side: Side) -> Gram {
        switch side {
        case .base: block { left[$0, $1] }
        case .other:
            block { row, column in
                (left[row, column] + left[row, column + rank])
                    + (left[row + rank, column] + left[row + rank, column + rank])
            }
        }
    }

    private func ownRight(_ side: Side) -> Gram {
        switch side {
        case .base:
            block { row, column in
                (right[row, column] - right[row, column + rank])
                    - (right[row + rank, column] - right[row + rank, column + rank])
            }
        case .other: block { right[$0, $1] }
        }
    }

    /// L₁ᵀ·L₂.
    private var crossLeft: Gram { block { left[$0, $1] + left[$0, $1 + rank] } }
    /// R₁·R₂ᵀ.
    private var crossRight: Gram { block { right[$0, $1] - right[$0 + rank, $1] } }

    private func block(_ element: (Int, Int) -> Double) -> Gram {
        var result = Gram(order: rank)
        for row in 0..<rank {
            for column in 0..<rank { result[row, column] = element(row, column) }
        }
        return result
    }
}

extension Gram {
    /// tr(self · other) of two matrices that are symmetric and positive: rounding alone can bring it below zero. A NaN
    /// stays one.
    fileprivate func product(_ other: Gram) -> Double {
        let sum = zip(values, other.values).reduce(0) { $0 + $1.0 * $1.1 }
        return sum < 0 ? 0 : sum
    }
}
