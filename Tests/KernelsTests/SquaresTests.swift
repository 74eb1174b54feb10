import CKernels
import Support
import Testing

extension Bodies {
    @Suite("Squares and products")
    struct SquaresTests {
        @Test("a row's squares are summed in sixteen lanes and a tree, by rows and by columns", arguments: limits)
        func squares(limit: Int) {
            var random = RepeatableRandom(seed: 4)
            for columns in counts {
                let rows = 3, stride = columns + 5
                let values = (0..<rows * stride).map { _ in Float.random(in: -3...3, using: &random) }
                let expected = (0..<rows).map { row in
                    var lanes = [Double](repeating: 0, count: 16)
                    for i in 0..<columns {
                        lanes[i % 16] += Double(values[row * stride + i]) * Double(values[row * stride + i])
                    }
                    return folded(lanes)
                }
                var squares = [Double](repeating: -1, count: rows), byColumns = squares
                var lanes = [Double](repeating: 0, count: 16 * rows)
                limited(to: limit) {
                    unsafe tenon_row_squares(values, stride, rows, columns, &squares)
                    // The same, transposed.
                    unsafe lanes.withUnsafeMutableBufferPointer { lanes in
                        for i in 0..<columns {
                            let column = (0..<rows).map { values[$0 * stride + i] }
                            unsafe tenon_add_squares(column, rows, lanes.baseAddress! + i % 16 * rows)
                        }
                    }
                    unsafe tenon_fold_squares(lanes, rows, &byColumns)
                }
                #expect(squares == expected, "\(columns) columns")
                #expect(byColumns == expected, "\(columns) columns")
            }
        }

        @Test("products are rounded once", arguments: limits)
        func products(limit: Int) {
            var random = RepeatableRandom(seed: 5)
            for count in counts {
                let values = (0..<count).map { _ in random.float() }, factors = (0..<count).map { _ in random.float() }
                var scaled = [Float](repeating: 7, count: count + 1), multiplied = scaled
                limited(to: limit) {
                    unsafe tenon_scale(values, 0.7, count, &scaled)
                    unsafe tenon_multiply(values, factors, count, &multiplied)
                }
                #expect(scaled.map(comparable) == values.map { comparable($0 * 0.7) } + [comparable(7)])
                #expect(
                    multiplied.map(comparable) == zip(values, factors).map { comparable($0 * $1) } + [comparable(7)])
            }
        }
    }
}
