import LinearAlgebra
import Support
import Testing

@Suite("QR by reflections")
struct HouseholderQRTests {
    private static let sides = [
        (1, 1), (1, 5), (5, 1), (7, 7), (40, 6), (6, 40), (129, 33), (0, 4), (4, 0), (0, 0),
    ]

    @Test("Q is orthonormal and Q·R the matrix", arguments: sides)
    func random(length: Int, count: Int) {
        check(.random(rows: count, columns: length, seed: UInt64(100 * length + count)))
    }

    @Test("columns that depend on each other, zeros and equal ones")
    func deficient() {
        let thin = RealMatrix.random(rows: 9, columns: 3, seed: 1)
        check(thin * .random(rows: 3, columns: 20, seed: 2))
        check(RealMatrix(rows: 5, columns: 8))
        var some = RealMatrix.random(rows: 5, columns: 8, seed: 3)
        for column in 0..<8 {
            some[1, column] = 0
            some[3, column] = some[2, column]
        }
        check(some)
        check(some.scaled(by: 1e-120))
        check(some.scaled(by: 1e120))
    }

    @Test("is the same every time")
    func repeated() {
        let matrix = RealMatrix.random(rows: 12, columns: 50, seed: 9)
        #expect(HouseholderQR(columns: matrix).factor == HouseholderQR(columns: matrix).factor)
    }

    /// - Parameter columns: Those of X, as rows.
    private func check(_ columns: RealMatrix) {
        let qr = HouseholderQR(columns: columns)
        let order = min(columns.rows, columns.columns)
        #expect(qr.factor.rows == order && qr.factor.columns == columns.rows)
        for row in 0..<order {
            for column in 0..<min(row, columns.rows) { #expect(qr.factor[row, column] == 0) }
        }
        let unit = qr.applied(to: .identity(order))
        #expect(unit.timesTransposed(unit).distance(to: .identity(order)) < 1e-14 * Double(max(1, order)))
        let again = qr.applied(to: qr.factor.transposed)
        #expect(again.distance(to: columns) <= 1e-14 * columns.norm * Double(max(1, order)))
    }
}

extension RealMatrix {
    static func random(rows: Int, columns: Int, seed: UInt64) -> RealMatrix {
        var random = RepeatableRandom(seed: seed)
        return RealMatrix(
            rows: rows, columns: columns, (0..<rows * columns).map { _ in .random(in: -1...1, using: &random) })
    }

    static func identity(_ order: Int) -> RealMatrix {
        var result = RealMatrix(rows: order, columns: order)
        for index in 0..<order { result[index, index] = 1 }
        return result
    }

    var norm: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    func distance(to other: RealMatrix) -> Double {
        var difference = self
        difference.add(-1, times: other)
        return difference.norm
    }
}
