import CKernels
import Support
import Testing

extension Bodies {
    @Suite("Rounding a sum back")
    struct RoundSumTests {
        @Test("16-bit weights are widened, added and rounded once, with the report", arguments: limits, [false, true])
        func halves(limit: Int, isF16: Bool) {
            let kind = isF16 ? Int32(TENON_F16) : Int32(TENON_BF16)
            for count in counts {
                let (weights, changes) = Self.samples(count, isF16: isF16)
                let wide = Self.widened(weights, isF16: isF16)
                let sums = zip(wide, changes).map(Self.kept)
                var narrow = Self.narrowed(sums, isF16: isF16)
                for i in weights.indices where wide[i].isNaN { narrow[i] = weights[i] }

                var out = [UInt16](repeating: 0xcccc, count: count + 1), plain = out
                var floats = [Float](repeating: 7, count: count + 1)
                var report = tenon_rounding(), wideReport = tenon_rounding()
                limited(to: limit) {
                    unsafe tenon_round_sum(kind, weights, changes, count, &out, &report)
                    unsafe tenon_round_sum(kind, weights, changes, count, &plain, nil)
                    unsafe tenon_widen_sum(kind, weights, changes, count, &floats, &wideReport)
                }
                #expect(out == narrow + [0xcccc], "\(count) elements")
                #expect(plain == out)
                #expect(floats.map(\.bitPattern) == sums.map(\.bitPattern) + [Float(7).bitPattern])
                expectReport(report, wide, changes, Self.widened(narrow, isF16: isF16))
                expectReport(wideReport, wide, changes, sums)
            }
        }

        @Test("fp32 weights are added and kept where nothing is added", arguments: limits)
        func singles(limit: Int) {
            var random = RepeatableRandom(seed: 3)
            for count in counts {
                let weights = (0..<count).map { _ in random.float() }, changes = (0..<count).map { _ in random.float() }
                let sums = zip(weights, changes).map(Self.kept)
                var out = [Float](repeating: 7, count: count + 1)
                var report = tenon_rounding()
                limited(to: limit) {
                    unsafe tenon_round_sum(Int32(TENON_F32), weights, changes, count, &out, &report)
                }
                #expect(out.map(\.bitPattern) == sums.map(\.bitPattern) + [Float(7).bitPattern], "\(count) elements")
                expectReport(report, weights, changes, sums)
            }
        }

        @Test("special values", arguments: limits)
        func special(limit: Int) {
            let cases: [(weight: UInt16, change: Float, result: UInt16)] = [
                (0x8000, 0, 0x8000),  // -0 stays
                (0x8000, -0.0, 0x8000),
                (0x0000, -0.0, 0x0000),
                (0x7f81, 0, 0x7f81),  // a signaling NaN too
                (0xffab, 1, 0xffab),
                (0x3f80, .nan, 0x7fc0),
                (0x7f80, -.infinity, 0x7fc0),
                (0x7f80, 1, 0x7f80),
                (0x7f7f, 0x1p127, 0x7f80),
                (0x3f80, 0x1p-8, 0x3f80),  // a tie goes to even: lost
                (0x3f80, 0x1.8p-8, 0x3f81),
                (0x8000, .leastNonzeroMagnitude, 0x0000),
            ]
            let repeated = Array(repeatElement(cases, count: 3).joined())
            var out = [UInt16](repeating: 0, count: repeated.count)
            var report = tenon_rounding()
            limited(to: limit) {
                unsafe tenon_round_sum(
                    Int32(TENON_BF16), repeated.map(\.weight), repeated.map(\.change), repeated.count, &out, &report)
            }
            #expect(out == repeated.map(\.result))
            #expect(report.asked == 3 * 8)
            #expect(report.lost == 3 * 3)
            #expect(report.overflowed == 3 * 2)
        }

        // MARK: The definitions

        private static func samples(_ count: Int, isF16: Bool) -> ([UInt16], [Float]) {
            var random = RepeatableRandom(seed: UInt64(count))
            let weights = (0..<count).map { _ in
                random.next() % 4 == 0
                    ? UInt16(truncatingIfNeeded: random.next()) : narrowed([random.float()], isF16: isF16)[0]
            }
            return (weights, (0..<count).map { _ in random.float() * (random.next() % 2 == 0 ? 1 : 0x1p-9) })
        }

        private static func kept(weight: Float, change: Float) -> Float {
            guard change != 0, !weight.isNaN else { return weight }
            let sum = weight + change
            return sum.isNaN ? Float(bitPattern: 0x7fc0_0000) : sum
        }

        /// By the portable conversions, which have tests of their own.
        private static func widened(_ halves: [UInt16], isF16: Bool) -> [Float] {
            var floats = [Float](repeating: 0, count: halves.count)
            limited(to: TENON_SIMD_PORTABLE) {
                if isF16 {
                    unsafe tenon_f32_from_f16(halves, halves.count, &floats)
                } else {
                    unsafe tenon_f32_from_bf16(halves, halves.count, &floats)
                }
            }
            return floats
        }

        private static func narrowed(_ floats: [Float], isF16: Bool) -> [UInt16] {
            var halves = [UInt16](repeating: 0, count: floats.count)
            limited(to: TENON_SIMD_PORTABLE) {
                if isF16 {
                    unsafe tenon_f16_from_f32(floats, floats.count, &halves)
                } else {
                    unsafe tenon_bf16_from_f32(floats, floats.count, &halves)
                }
            }
            return halves
        }

        private func expectReport(_ report: tenon_rounding, _ weights: [Float], _ changes: [Float], _ results: [Float])
        {
            var power = [Double](repeating: 0, count: 16), noise = power
            var asked = 0, lost = 0, overflowed = 0
            for (i, ((weight, change), result)) in zip(zip(weights, changes), results).enumerated() {
                if !change.isZero { asked += 1 }
                if !change.isZero && weight.bitPattern == result.bitPattern { lost += 1 }
                if weight.isFinite && !result.isFinite { overflowed += 1 }
                guard result.isFinite else { continue }
                power[i % 16] += Double(change) * Double(change)
                let error = (Double(result) - Double(weight)) - Double(change)
                noise[i % 16] += error * error
            }
            #expect(report.power == folded(power))
            #expect(report.noise == folded(noise))
            #expect(report.asked == asked)
            #expect(report.lost == lost)
            #expect(report.overflowed == overflowed)
        }
    }
}

/// Sixteen lanes added as a tree.
func folded(_ lanes: [Double]) -> Double {
    var tree = lanes
    for half in [8, 4, 2, 1] {
        for lane in 0..<half { tree[lane] += tree[lane + half] }
    }
    return tree[0]
}
