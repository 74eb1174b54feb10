import CKernels
import Support
import Testing

extension Bodies {
    @Suite("Exact differences")
    struct DifferenceTests {
        @Test("differences of the order of floats, and of integers, and back", arguments: limits, Kind.all)
        func differences(limit: Int, kind: Kind) {
            var random = RepeatableRandom(seed: 6)
            for count in counts {
                let (base, tuned) = kind.samples(count, changed: 200, &random)
                let expected = kind.bytes(zip(base, tuned).map(kind.difference))
                let (found, back) = limited(to: limit) {
                    unsafe shifted(kind.bytes(base)) { from in
                        let found = unsafe shifted(kind.bytes(tuned)) { to in
                            unsafe written(expected.count) { unsafe tenon_difference(kind.id, from, to, count, $0) }
                        }
                        let back = unsafe shifted(found) { coded in
                            unsafe written(expected.count) {
                                unsafe tenon_add_difference(kind.id, from, coded, count, $0)
                            }
                        }
                        return (found, back)
                    }
                }
                #expect(found == expected, "\(count) elements")
                #expect(back == kind.bytes(tuned), "\(count) elements")
            }
        }

        @Test("neighbours differ by one, across zero too")
        func neighbours() {
            let kind = Kind.bf16
            #expect(kind.difference(0x3f80, 0x3f80) == 0)
            #expect(kind.difference(0x3f80, 0x3f81) == 2)
            #expect(kind.difference(0x3f80, 0x3f7f) == 1)
            #expect(kind.difference(0x8000, 0x0000) == 2)
            #expect(kind.difference(0xbf80, 0xbf81) == 1)
        }

        @Test("a window is ordered by the base's exponent, stably, and back", arguments: limits, Kind.all)
        func windows(limit: Int, kind: Kind) {
            var random = RepeatableRandom(seed: 7)
            for count in counts + [2047, 2048, 5000] {
                let (base, tuned) = kind.samples(count, changed: 200, &random)
                let order = base.indices.sorted { (kind.bucket(base[$0]), $0) < (kind.bucket(base[$1]), $1) }
                let expected = kind.bytes(order.map { kind.difference(base[$0], tuned[$0]) })
                var expectedCounts = [UInt32](repeating: 0, count: 256)
                for element in base { expectedCounts[kind.bucket(element)] += 1 }
                var buckets = [UInt32](repeating: 7, count: 256)
                let (found, back) = limited(to: limit) {
                    unsafe shifted(kind.bytes(base)) { from in
                        let found = unsafe shifted(kind.bytes(tuned)) { to in
                            unsafe written(expected.count) {
                                unsafe tenon_exact_encode(kind.id, from, to, count, $0, &buckets)
                            }
                        }
                        let back = unsafe shifted(found) { coded in
                            unsafe written(expected.count) {
                                unsafe tenon_exact_decode(kind.id, from, coded, count, $0, nil)
                            }
                        }
                        return (found, back)
                    }
                }
                #expect(found == expected, "\(count) elements")
                #expect(buckets == expectedCounts, "\(count) elements")
                #expect(back == kind.bytes(tuned), "\(count) elements")
            }
        }

        @Test("a whole window comes back")
        func wholeWindow() {
            var random = RepeatableRandom(seed: 8)
            let base = random.bytes(2 * TENON_WINDOW), tuned = base.map { $0 ^ UInt8(random.next() % 2) }
            var buckets = [UInt32](repeating: 0, count: 256)
            let coded = unsafe written(base.count) {
                unsafe tenon_exact_encode(Kind.bf16.id, base, tuned, TENON_WINDOW, $0, &buckets)
            }
            let back = unsafe written(base.count) {
                unsafe tenon_exact_decode(Kind.bf16.id, base, coded, TENON_WINDOW, $0, buckets)
            }
            #expect(buckets.reduce(0, +) == UInt32(TENON_WINDOW))
            #expect(back == tuned)
        }
    }
}
