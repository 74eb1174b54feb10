import CKernels
import Diagnostics
import LinearAlgebra
import Support

/// A matrix in memory.
struct ArrayRows: RowBlocks {
    let rows: Int
    let columns: Int
    var values: [Float]

    init(rows: Int, columns: Int, _ values: [Float]) {
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// Σ σ_k · u_k · v_kᵀ for random u and v of about unit length, which are nearly orthogonal.
    init(rows: Int, columns: Int, values sigma: [Double], seed: UInt64) {
        var random = RepeatableRandom(seed: seed)
        self.init(rows: rows, columns: columns, [Float](repeating: 0, count: rows * columns))
        for value in sigma {
            let left = (0..<rows).map { _ in Float.random(in: -1...1, using: &random) }
            let right = (0..<columns).map { _ in Float.random(in: -1...1, using: &random) }
            let factor = Float(value * 3 / (Double(rows) * Double(columns)).squareRoot())
            for row in 0..<rows {
                for column in 0..<columns { values[row * columns + column] += factor * left[row] * right[column] }
            }
        }
    }

    func load(
        _ range: Range<Int>, scale: Float, into block: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) -> Double {
        let zeros = [Float](repeating: 0, count: columns)
        let height = Int(TENON_TILE_ROWS)
        var sum = 0.0
        for row in range {
            let place = row - range.lowerBound
            let tile = place / height * height * columns.paddedToTile + place % height * Int(TENON_TILE_COLUMNS)
            let own = Array(values[row * columns..<(row + 1) * columns])
            sum += unsafe tenon_tile_difference(zeros, own, columns, scale, block.baseAddress?.advanced(by: tile))
        }
        return sum
    }

    /// All singular values by way of the smaller Gram matrix, in fp64.
    func singularValues() -> [Double] {
        let order = min(rows, columns)
        var gram = SquareMatrix(order: order)
        for i in 0..<order {
            for j in i..<order {
                var sum = 0.0
                if rows < columns {
                    for k in 0..<columns { sum += Double(values[i * columns + k]) * Double(values[j * columns + k]) }
                } else {
                    for k in 0..<rows { sum += Double(values[k * columns + i]) * Double(values[k * columns + j]) }
                }
                gram[i, j] = sum
                gram[j, i] = sum
            }
        }
        return SymmetricEigen(gram).values.map { max(0, $0).squareRoot() }
    }
}
