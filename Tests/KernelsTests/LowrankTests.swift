import CKernels
import Support
import Testing

extension Bodies {
    @Suite("Product of thin matrices")
    struct LowrankTests {
        @Test("each element is a chain of fused multiply-adds over the rank", arguments: limits)
        func chain(limit: Int) {
            var random = RepeatableRandom(seed: 1)
            for columns in Array(0...100) + [143, 144, 160, 193, 199] {
                for (rows, rank) in [(1, 0), (1, 1), (3, 5), (7, 16), (17, 3)] {
                    check(rows: rows, columns: columns, rank: rank, limit: limit, &random)
                }
            }
        }

        @Test("columns are done in blocks when the rank is large", arguments: limits)
        func blocks(limit: Int) {
            var random = RepeatableRandom(seed: 2)
            check(rows: 9, columns: 500, rank: 300, limit: limit, &random)
        }

        /// Rows lie further apart than they are long, one element off an aligned address.
        private func check(rows: Int, columns: Int, rank: Int, limit: Int, _ random: inout RepeatableRandom) {
            let sumStride = columns + 3, leftStride = rank + 1, rightStride = columns + 2
            func floats(_ count: Int) -> [Float] { (0..<count).map { _ in random.float() } }
            let start = floats(1 + rows * sumStride), left = floats(1 + rows * leftStride)
            let right = floats(1 + rank * rightStride)
            var expected = start
            for o in 0..<rows {
                for i in 0..<columns {
                    var sum = start[1 + o * sumStride + i]
                    for k in 0..<rank {
                        sum.addProduct(left[1 + o * leftStride + k], right[1 + k * rightStride + i])
                    }
                    expected[1 + o * sumStride + i] = sum
                }
            }
            var sum = start
            limited(to: limit) {
                unsafe sum.withUnsafeMutableBufferPointer { sum in
                    unsafe left.withUnsafeBufferPointer { left in
                        unsafe right.withUnsafeBufferPointer { right in
                            unsafe tenon_lowrank_add(
                                sum.baseAddress?.advanced(by: 1), sumStride, left.baseAddress?.advanced(by: 1),
                                leftStride,
                                right.baseAddress?.advanced(by: 1), rightStride, rows, columns, rank)
                        }
                    }
                }
            }
            #expect(sum.map(comparable) == expected.map(comparable), "[\(rows), \(columns)] of rank \(rank)")
        }
    }
}
