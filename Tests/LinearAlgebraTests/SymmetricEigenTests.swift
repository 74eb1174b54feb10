import LinearAlgebra
import Support
import Testing

@Suite("Eigenvalues of small symmetric matrices")
struct SymmetricEigenTests {
    private func random(_ order: Int, seed: UInt64) -> SquareMatrix {
        var random = RepeatableRandom(seed: seed)
        var matrix = SquareMatrix(order: order)
        for row in 0..<order {
            for column in 0...row {
                matrix[row, column] = .random(in: -1...1, using: &random)
                matrix[column, row] = matrix[row, column]
            }
        }
        return matrix
    }

    private func check(_ matrix: SquareMatrix) {
        let eigen = SymmetricEigen(matrix)
        let order = matrix.order
        let size = matrix.values.reduce(1e-300) { max($0, $1.magnitude) } * Double(max(1, order))
        #expect(eigen.values == eigen.values.sorted(by: >))
        let unit = eigen.vectors * eigen.vectors.transposed
        var diagonal = SquareMatrix(order: order)
        for index in 0..<order { diagonal[index, index] = eigen.values[index] }
        let again = eigen.vectors.transposed * diagonal * eigen.vectors
        for row in 0..<order {
            for column in 0..<order {
                #expect((unit[row, column] - (row == column ? 1 : 0)).magnitude < 1e-12)
                #expect((again[row, column] - matrix[row, column]).magnitude < 1e-13 * size)
            }
        }
    }

    @Test("vectors are orthonormal and give the matrix back", arguments: [0, 1, 2, 3, 5, 16, 41])
    func randomMatrices(order: Int) {
        check(random(order, seed: UInt64(order)))
    }

    @Test("equal values, zeros and tiny elements do no harm")
    func special() {
        check(SquareMatrix(order: 7))
        check(.identity(order: 9))
        var graded = SquareMatrix(order: 12)
        for index in 0..<12 { graded[index, index] = index % 2 == 0 ? 1e-200 : 3 }
        graded[0, 5] = 1e-180
        graded[5, 0] = 1e-180
        check(graded)
        var product = random(20, seed: 5)
        for row in 0..<20 {
            for column in 3..<20 { product[row, column] = 0 }
        }
        check(product * product.transposed)
    }
}
