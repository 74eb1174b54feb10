import CKernels
import LinearAlgebra
import Support
import Testing

/// Bodies are compared with plain sums in fp64, since not all have fused operations. The limit on instruction sets is the
/// process's: a test of another module may move it meanwhile, and then a body goes untested in that run.
@Suite("Products of a block in tiles", .serialized)
struct TilesTests {
    private static let limits = [TENON_SIMD_PORTABLE, TENON_SIMD_AVX2, TENON_SIMD_AVX512]

    private func limited(to limit: Int, _ body: () -> Void) {
        tenon_simd_limit(Int32(limit))
        defer { tenon_simd_limit(Int32(TENON_SIMD_AVX512)) }
        body()
    }

    private func floats(_ count: Int, _ random: inout RepeatableRandom) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    }

    /// Rows and columns in whole tiles, from row-major values.
    private func tiled(_ values: [Float], rows: Int, columns: Int) -> (tiles: [Float], squares: Double) {
        let height = Int(TENON_TILE_ROWS), padded = columns.paddedToTile
        var tiles = [Float](repeating: .nan, count: (rows + height - 1) / height * height * padded)
        for index in rows * padded..<max(rows * padded, tiles.count) { tiles[index] = 0 }
        let zeros = [Float](repeating: 0, count: columns)
        var squares = 0.0
        unsafe tiles.withUnsafeMutableBufferPointer { tiles in
            unsafe tiles.update(repeating: 0)
            for row in 0..<rows {
                let place = row / height * height * padded + row % height * Int(TENON_TILE_COLUMNS)
                let own = Array(values[row * columns..<(row + 1) * columns])
                squares += unsafe tenon_tile_difference(
                    zeros, own, columns, 1, tiles.baseAddress?.advanced(by: place))
            }
        }
        return (tiles, squares)
    }

    @Test(
        "both products and the residual agree with plain sums",
        arguments: limits, [(8, 16, 16), (11, 5, 32), (24, 300, 48), (40, 529, 64), (3, 40, 80)])
    func products(limit: Int, shape: (rows: Int, columns: Int, width: Int)) {
        let (rows, columns, width) = shape
        var random = RepeatableRandom(seed: 7)
        let matrix = floats(rows * columns, &random)
        let panel =
            floats(columns * width, &random)
            + [Float](
                repeating: 0, count: (columns.paddedToTile - columns) * width)
        let height = (rows + 7) / 8 * 8
        limited(to: limit) {
            let (tiles, squares) = tiled(matrix, rows: rows, columns: columns)
            let plain = matrix.reduce(0.0) { $0 + Double($1) * Double($1) }
            #expect((squares - plain).magnitude < 1e-12 * plain)

            var product = [Float](repeating: .nan, count: height * width)
            unsafe tenon_tiles_multiply(tiles, height, columns.paddedToTile, panel, width, &product)
            for row in 0..<rows {
                for column in 0..<width {
                    let sum = (0..<columns).reduce(0.0) {
                        $0 + Double(matrix[row * columns + $1]) * Double(panel[$1 * width + column])
                    }
                    #expect((Double(product[row * width + column]) - sum).magnitude < 1e-4)
                }
            }
            var turned = [Float](repeating: 1, count: columns.paddedToTile * width)
            unsafe tenon_tiles_multiply_transposed(tiles, height, columns.paddedToTile, product, width, &turned)
            for row in 0..<columns {
                for column in 0..<width {
                    let sum = (0..<rows).reduce(1.0) {
                        $0 + Double(matrix[$1 * columns + row]) * Double(product[$1 * width + column])
                    }
                    #expect((Double(turned[row * width + column]) - sum).magnitude < 1e-4 * (1 + sum.magnitude))
                }
            }
        }
    }

    @Test("bodies with fused operations give the same bits", arguments: [(8, 16, 16), (40, 200, 48), (16, 333, 80)])
    func sameBits(shape: (rows: Int, columns: Int, width: Int)) {
        let (rows, columns, width) = shape
        var random = RepeatableRandom(seed: 8)
        let matrix = floats(rows * columns, &random)
        let panel = floats(columns.paddedToTile * width, &random)
        let factors = (floats(rows * width, &random), floats(columns.paddedToTile * width, &random))
        func results(_ limit: Int) -> (product: [Float], turned: [Float], residual: Double) {
            var product = [Float](repeating: 0, count: rows * width)
            var turned = [Float](repeating: 0, count: columns.paddedToTile * width)
            var residual = 0.0
            limited(to: limit) {
                let tiles = tiled(matrix, rows: rows, columns: columns).tiles
                unsafe tenon_tiles_multiply(tiles, rows, columns.paddedToTile, panel, width, &product)
                unsafe tenon_tiles_multiply_transposed(tiles, rows, columns.paddedToTile, product, width, &turned)
                residual = unsafe tenon_tiles_residual(
                    tiles, rows, columns.paddedToTile, factors.0, factors.1, width)
            }
            return (product, turned, residual)
        }
        let isSame = (0..<1000).contains { _ in results(TENON_SIMD_AVX2) == results(TENON_SIMD_AVX512) }
        #expect(isSame)
    }

    @Test("small products are exact to fp64", arguments: limits, [(1, 16), (5, 32), (66, 48)])
    func panels(limit: Int, shape: (rows: Int, width: Int)) {
        let (rows, width) = shape
        var random = RepeatableRandom(seed: 9)
        let panel = floats(rows * width, &random)
        let matrix = (0..<width * width).map { _ in Double.random(in: -1...1, using: &random) }
        limited(to: limit) {
            var gram = [Double](repeating: .nan, count: width * width)
            unsafe tenon_panel_gram(panel, rows, width, &gram)
            var product = [Float](repeating: .nan, count: rows * width)
            unsafe tenon_panel_multiply(panel, rows, width, matrix, width, &product)
            for i in 0..<width {
                for j in i..<width {
                    let sum = (0..<rows).reduce(0.0) {
                        $0 + Double(panel[$1 * width + i]) * Double(panel[$1 * width + j])
                    }
                    #expect((gram[i * width + j] - sum).magnitude < 1e-12)
                }
            }
            for row in 0..<rows {
                for column in 0..<width {
                    let sum = (0..<width).reduce(0.0) {
                        $0 + Double(panel[row * width + $1]) * matrix[$1 * width + column]
                    }
                    #expect((Double(product[row * width + column]) - sum).magnitude < 1e-6)
                }
            }
        }
    }
}
