import CKernels
import Support
import Testing

extension Bodies {
    @Suite("Signs")
    struct SignsTests {
        @Test("of differences are packed, and their sizes summed in sixteen lanes and a tree", arguments: limits)
        func encode(limit: Int) {
            var random = RepeatableRandom(seed: 14)
            for count in counts {
                let base = (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
                let tuned = base.map { random.next() % 5 == 0 ? $0 : $0 + Float.random(in: -0.1...0.1, using: &random) }
                var magnitudes = [Double](repeating: 0, count: 16), squares = magnitudes
                var expected = [UInt8](repeating: 0, count: (count + 7) / 8)
                for i in 0..<count {
                    let difference = tuned[i] - base[i]
                    magnitudes[i % 16] += Double(difference.magnitude)
                    squares[i % 16] += Double(difference) * Double(difference)
                    if difference >= 0 { expected[i / 8] |= 1 << UInt8(i % 8) }
                }
                var sums = tenon_sign_sums()
                let bits = limited(to: limit) {
                    unsafe sums = tenon_sum_signs(base, tuned, count)
                    return unsafe written((count + 7) / 8) {
                        unsafe tenon_encode_signs(base, tuned, count, $0?.assumingMemoryBound(to: UInt8.self))
                    }
                }
                #expect(bits == expected, "\(count) elements")
                #expect(sums.magnitude == folded(magnitudes) && sums.square == folded(squares), "\(count) elements")
            }
        }

        @Test("are added times a scale from any bit on", arguments: limits)
        func add(limit: Int) {
            var random = RepeatableRandom(seed: 15)
            for count in counts {
                for first in [0, 1, 7, 8, 13] {
                    let bits = random.bytes((first + count + 7) / 8)
                    let before = (0..<count).map { _ in random.float() }
                    var sum = before + [7]
                    limited(to: limit) { unsafe tenon_add_signs(bits, first, count, 0.3, &sum) }
                    let expected = before.enumerated().map { i, value in
                        value + (bits[(first + i) / 8] >> UInt8((first + i) % 8) & 1 == 1 ? 0.3 : -0.3)
                    }
                    #expect(sum.map(comparable) == (expected + [7]).map(comparable), "\(count) elements from \(first)")
                }
            }
        }
    }
}
