import Kernels
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Activations") struct ActivationTests {
    private let engine = Engine<Double>(threads: 2)

    @Test("gradients of SwiGLU are slopes, and h comes again")
    func swiglu() {
        var random = RepeatableRandom(seed: 1)
        let gate: Matrix<Double> = random.matrix(4, 37), up: Matrix<Double> = random.matrix(4, 37)
        let share: Matrix<Double> = random.matrix(4, 37), h = Matrix<Double>(rows: 4, columns: 37)
        func loss() -> Double {
            engine.swiglu(gate: gate, up: up, into: h)
            return h.dot(share)
        }
        _ = loss()
        let first = h.copied(), again = share.copied(), dgate = gate.copied(), dup = up.copied()
        engine.swigluBackward(gate: dgate, up: dup, gradient: again, recomputing: again)
        #expect(again.values == first.values)
        #expect(slopeError(gate, gradient: dgate, &random, loss: loss) < 1e-7)
        #expect(slopeError(up, gradient: dup, &random, loss: loss) < 1e-7)
    }

    @Test("gradients of GELU are slopes", arguments: [GELU.erf, .tanh])
    func gelu(kind: GELU) {
        var random = RepeatableRandom(seed: 2)
        let x: Matrix<Double> = random.matrix(4, 37), share: Matrix<Double> = random.matrix(4, 37)
        engine.scale(x, by: 4)
        let y = Matrix<Double>(rows: 4, columns: 37), dx = Matrix<Double>(rows: 4, columns: 37)
        engine.geluBackward(x, kind, gradient: share, into: dx)
        let error = slopeError(x, gradient: dx, &random) {
            engine.gelu(x, kind, into: y)
            return y.dot(share)
        }
        #expect(error < 1e-7)
    }

    /// −20 to 20 and what lies beyond.
    private static let points = (-2000...2000).map { Float($0) * 0.01 + 0.001 } + [0, -0.0, 90, -90, 1e30, -1e30]

    @Test("fp32 is within a few units of its last place")
    func precision() {
        let points = Self.points, count = points.count
        let x = Matrix<Float>(rows: 1, columns: count, points), y = Matrix<Float>(rows: 1, columns: count)
        let one = Matrix<Float>(rows: 1, columns: count)
        one.fill(1)
        let engine = Engine<Float>(threads: 1)
        func worst(_ floor: Double, _ function: (Double) -> Double) -> Double {
            zip(points, y.values).map { point, value in
                let expected = function(Double(point))
                return abs(Double(value) - expected) / max(floor, abs(expected))
            }.max() ?? 0
        }
        func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
        // Rounding −x in the exponent costs nothing; 1 + e^−x, the division and the product half a unit each.
        engine.swiglu(gate: x, up: one, into: y)
        #expect(worst(1e-30, silu) < 4e-7)
        engine.gelu(x, .erf, into: y)
        #expect(worst(1e-30) { 0.5 * $0 * erfc(-$0 * 0.5.squareRoot()) } < 4e-7)
        // The argument u of the exponential is rounded three times, which u multiplies: it is 14 where 1e-6 is left.
        engine.gelu(x, .tanh, into: y)
        #expect(worst(1e-6) { $0 / (1 + exp(-1.5957691216057308 * ($0 + 0.044715 * $0 * $0 * $0))) } < 14 * 3 * 0x1p-24)
        x[0, 3] = .nan
        x[0, 5] = .infinity
        engine.gelu(x, .erf, into: y)
        #expect(y[0, 3].isNaN && y[0, 5] == .infinity)
    }

    @Test(
        "rotation is by the angle, keeps norms and comes back",
        arguments: [RotaryTable<Double>.Layout.halves, .interleaved])
    func rotary(layout: RotaryTable<Double>.Layout) {
        var random = RepeatableRandom(seed: 3)
        let angles: Matrix<Double> = random.matrix(9, 3), x: Matrix<Double> = random.matrix(4, 2 * 8)
        let cosines = Matrix<Double>(rows: 9, columns: 3, angles.values.map { cos($0) })
        let sines = Matrix<Double>(rows: 9, columns: 3, angles.values.map { sin($0) })
        let table = RotaryTable(cosines: cosines, sines: sines, layout: layout), before = x.copied()
        let positions: [Int32] = [8, 0, 3, 3]
        engine.rotate(x, heads: 2, by: table, positions: positions)
        for row in 0..<4 {
            let place = Int(positions[row])
            for head in 0..<2 {
                for pair in 0..<3 {
                    let (i, j) = layout == .halves ? (pair, pair + 3) : (2 * pair, 2 * pair + 1)
                    let a = before[row, head * 8 + i], b = before[row, head * 8 + j]
                    let (c, s) = (cosines[place, pair], sines[place, pair])
                    #expect(abs(x[row, head * 8 + i] - (a * c - b * s)) < 1e-15)
                    #expect(abs(x[row, head * 8 + j] - (b * c + a * s)) < 1e-15)
                }
                #expect(x[row, head * 8 + 7] == before[row, head * 8 + 7])
            }
        }
        engine.rotate(x, heads: 2, by: table, positions: positions, inverse: true)
        #expect(zip(x.values, before.values).allSatisfy { abs($0 - $1) < 1e-15 })
    }
}
