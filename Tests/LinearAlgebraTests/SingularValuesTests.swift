import LinearAlgebra
import Support
import Testing

@Suite("Singular values of small matrices")
struct SingularValuesTests {
    @Test(
        "vectors are orthonormal and give the matrix back",
        arguments: [(1, 1), (1, 6), (6, 1), (8, 8), (30, 9), (9, 30), (64, 64), (0, 3), (3, 0), (0, 0)])
    func random(rows: Int, columns: Int) {
        check(.random(rows: rows, columns: columns, seed: UInt64(rows * 100 + columns)))
    }

    @Test("a spectrum is found as it was made", arguments: [(20, 12), (12, 20), (12, 12)])
    func spectrum(rows: Int, columns: Int) {
        let values = [5, 5, 3, 1, 0.5, 1e-3, 1e-6, 1e-6, 1e-9, 1e-12, 0, 0]
        let left = HouseholderQR(columns: .random(rows: 12, columns: rows, seed: 1)).applied(to: .identity(12))
        let right = HouseholderQR(columns: .random(rows: 12, columns: columns, seed: 2)).applied(to: .identity(12))
        let matrix = left.scalingRows(by: values).transposed * right
        let found = SingularValues(matrix).values
        #expect(found.count == 12)
        for (value, expected) in zip(found, values) { #expect((value - expected).magnitude < 1e-14) }
        check(matrix)
    }

    @Test("small values keep their digits where columns differ in size")
    func graded() {
        // (Orthogonal)·D: the values are those of D to the last digits, however far apart.
        let sizes = [1, 1e-5, 1e-10, 1e-15, 1e-40, 1e-100]
        let unit = HouseholderQR(columns: .random(rows: 6, columns: 6, seed: 4)).applied(to: .identity(6))
        let found = SingularValues(unit.scalingRows(by: sizes).transposed).values
        for (value, size) in zip(found, sizes) { #expect((value / size - 1).magnitude < 1e-13) }
    }

    @Test("zeros, equal rows, huge and tiny numbers do no harm")
    func special() {
        check(RealMatrix(rows: 4, columns: 7))
        check(.identity(9))
        check(RealMatrix(rows: 5, columns: 5, [Double](repeating: 2, count: 25)))
        let some = RealMatrix.random(rows: 5, columns: 6, seed: 8)
        check(some.scaled(by: 1e200))
        check(some.scaled(by: 1e-200))
        #expect(SingularValues(RealMatrix(rows: 3, columns: 3)).rank(above: 0x1p-20) == 0)
        #expect(SingularValues(.identity(3)).rank(above: 0x1p-20) == 3)
    }

    private func check(_ matrix: RealMatrix) {
        let found = SingularValues(matrix)
        let order = min(matrix.rows, matrix.columns)
        #expect(found.values.count == order && found.values == found.values.sorted(by: >))
        let again = found.left.scalingRows(by: found.values).transposed * found.right
        let scale = matrix.largestMagnitude > 0 ? 1 / matrix.largestMagnitude : 1
        #expect(again.scaled(by: scale).distance(to: matrix.scaled(by: scale)) < 1e-12)
        let rank = found.rank(above: 1e-13)
        for vectors in [found.left, found.right] {
            let part = vectors.rows(0..<rank)
            #expect(part.timesTransposed(part).distance(to: .identity(rank)) < 1e-12)
        }
    }
}
