import CKernels
import Support
import Testing

extension Bodies {
    /// Sums over two runs of elements against plain loops in fp64.
    @Suite("Comparisons") struct CompareTests {
        private struct Sums: Equatable {
            var base = 0.0, tuned = 0.0, product = 0.0, change = 0.0, rounding = 0.0, largest = 0.0
            var changed = 0, agreeing = 0, unusable = 0
        }

        private static func bf16(_ value: Float) -> Double {
            let bits = value.bitPattern
            return Double(Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000))
        }

        private static func plain(_ base: [Float], _ tuned: [Float]) -> Sums {
            var sums = Sums()
            for (w, t) in zip(base, tuned) {
                guard w.isFinite, t.isFinite else {
                    sums.unusable += 1
                    continue
                }
                let d = Double(t) - Double(w)
                sums.base += Double(w) * Double(w)
                sums.tuned += Double(t) * Double(t)
                sums.product += Double(w) * Double(t)
                sums.change += d * d
                let lost = bf16(t) - bf16(w) - d
                sums.rounding += lost * lost
                sums.largest = max(sums.largest, d.magnitude)
                sums.changed += w.bitPattern == t.bitPattern ? 0 : 1
                sums.agreeing += (w > 0) == (t > 0) && (w < 0) == (t < 0) ? 1 : 0
            }
            return sums
        }

        private static func samples(_ count: Int) -> (base: [Float], tuned: [Float]) {
            var random = RepeatableRandom(seed: UInt64(count))
            let base = (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
            var tuned = base.enumerated().map { index, value in
                index % 3 == 0 ? value : value + Float.random(in: -0.01...0.01, using: &random)
            }
            for (place, value) in [(0, Float.nan), (5, .infinity), (6, 0), (7, -0.0), (20, -.infinity), (33, 1e30)]
            where place < count { tuned[place] = value }
            return (base, tuned)
        }

        private static func near(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude <= 1e-12 * max(a, b, 1e-300) }

        @Test(arguments: [0, 1, 7, 15, 16, 17, 31, 40, 1000, 4099])
        func asPlainLoops(count: Int) {
            let (base, tuned) = Self.samples(count)
            let wanted = Self.plain(base, tuned)
            let found = unsafe tenon_compare_pair(base, tuned, count)
            #expect(Self.near(found.base_power, wanted.base) && Self.near(found.tuned_power, wanted.tuned))
            #expect((found.product - wanted.product).magnitude <= 1e-12 * (wanted.base + wanted.tuned))
            #expect(Self.near(found.change_power, wanted.change) && Self.near(found.rounding_power, wanted.rounding))
            #expect(found.largest == wanted.largest && found.changed == UInt64(wanted.changed))
            #expect(found.agreeing == UInt64(wanted.agreeing) && found.unusable == UInt64(wanted.unusable))
        }

        @Test func equalRunsDoNotDiffer() {
            let values: [Float] = (0..<100).map { Float($0) - 50 }
            let found = unsafe tenon_compare_pair(values, values, values.count)
            #expect(found.change_power == 0 && found.rounding_power == 0 && found.largest == 0)
            #expect(found.changed == 0 && found.agreeing == 100 && found.unusable == 0)
        }

        @Test func everyBodyHasTheSameBits() {
            let (base, tuned) = Self.samples(3001)
            var bits: Set<[UInt64]> = []
            for limit in limits {
                let found = limited(to: limit) { unsafe tenon_compare_pair(base, tuned, base.count) }
                let sums = [
                    found.base_power, found.tuned_power, found.product, found.change_power, found.rounding_power,
                    found.largest,
                ]
                bits.insert(sums.map(\.bitPattern) + [found.changed, found.agreeing, found.unusable])
            }
            #expect(bits.count == 1)
        }
    }
}
