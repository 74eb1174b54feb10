import CKernels
import Kernels
import Support
import Testing

/// Everything there is, in float: whatever the instruction set and the number of threads, the same bits. The limit on
/// instruction sets is the process's; other tests may move it meanwhile, which changes no result.
@Suite("Bodies of the learning kernels") struct BodyTests {
    @Test("every body on any number of threads gives the same bits")
    func bodies() {
        defer { tenon_simd_limit(Int32(TENON_SIMD_AVX512)) }
        var first: [(String, [Float])] = []
        for limit in [TENON_SIMD_PORTABLE, TENON_SIMD_AVX2, TENON_SIMD_AVX512] {
            tenon_simd_limit(Int32(limit))
            for threads in [1, 2, 3] {
                let all = everything(Engine<Float>(threads: threads))
                if first.isEmpty { first = all }
                for (one, other) in zip(first, all) {
                    #expect(
                        one.1.map(\.bitPattern) == other.1.map(\.bitPattern),
                        "\(one.0), level \(limit), \(threads) threads")
                }
            }
        }
    }

    /// The names and results of all kernels on shapes that fill no tile.
    private func everything(_ engine: Engine<Float>) -> [(String, [Float])] {
        var random = RepeatableRandom(seed: 9)
        var results: [(String, [Float])] = []
        func keep(_ name: String, _ matrices: Matrix<Float>...) {
            results.append((name, matrices.flatMap(\.values)))
        }
        let rows = 131, width = 77
        let x: Matrix<Float> = random.matrix(rows, width), g: Matrix<Float> = random.matrix(rows, width)
        let wide: Matrix<Float> = random.matrix(101, width), row: Matrix<Float> = random.matrix(1, width)
        let column: Matrix<Float> = random.matrix(rows, 1)
        func empty(_ rows: Int, _ columns: Int) -> Matrix<Float> { Matrix(rows: rows, columns: columns) }

        for (name, a, b) in [("", x, wide), ("narrow ", x, wide.rows(0..<7)), ("flat ", x.rows(0..<5), wide)] {
            let c = empty(a.rows, b.rows), d = empty(width, width), e = empty(a.rows, width)
            engine.multiply(Term(a, b, transposed: true), into: c)
            engine.multiply(Term(c, b), into: e)
            engine.multiply(Term(a, transposed: true, e), Term(b, transposed: true, b), into: d)
            keep("\(name)products", c, d, e)
        }

        let y = empty(rows, width), mean = empty(rows, 1), inverse = empty(rows, 1), dx = g.copied()
        let dw = row.copied(), db = row.copied()
        engine.rmsNorm(x, weight: row, epsilon: 1e-5, into: y, inverse: inverse)
        engine.rmsNormBackward(x, weight: row, inverse: inverse, gradient: g, into: dx, weightGradient: dw)
        keep("RMS norm", y, inverse, dx, dw)
        engine.layerNorm(x, weight: row, bias: row, epsilon: 1e-5, into: y, mean: mean, inverse: inverse)
        engine.layerNormBackward(
            x, weight: row, mean: mean, inverse: inverse, gradient: g, into: dx, weightGradient: dw, biasGradient: db)
        keep("layer norm", y, mean, inverse, dx, dw, db)

        let gate = x.copied(), up = g.copied(), h = empty(rows, width)
        engine.scale(gate, by: 30)
        engine.swiglu(gate: gate, up: up, into: y)
        engine.swigluBackward(gate: gate, up: up, gradient: g, recomputing: h)
        keep("SwiGLU", y, h, gate, up)
        for kind in [GELU.erf, .tanh] {
            engine.gelu(gate, kind, into: y)
            engine.geluBackward(gate, kind, gradient: g, into: dx)
            keep("GELU \(kind)", y, dx)
        }
        let turned = x.copied().columns(0..<76)
        let table = RotaryTable(cosines: wide.columns(0..<9), sines: wide.columns(9..<18))
        engine.rotate(turned, heads: 4, by: table, positions: (0..<Int32(rows)).map { $0 % 100 })
        keep("rotation", turned)

        for of in AttentionTests.cases {
            let set = AttentionTests.Setting<Float>(of, &random)
            set.run(engine, of.pattern)
            keep("attention, \(of)", set.o, set.logSums, set.dq, set.dk, set.dv)
        }

        let labels = (0..<Int32(rows)).map { $0 % 101 }, dhead = empty(101, width)
        let result = engine.crossEntropy(
            x, head: Weight(wide), labels: labels, scale: 0.01, gradient: dx, headGradient: dhead)
        keep("cross-entropy", dx, dhead)
        results.append(("loss", [Float(result.lossSum), Float(result.right.count { $0 })]))
        engine.embed(labels, table: Weight(wide), into: y)
        engine.embedBackward(labels, gradient: g, into: dhead)
        keep("embedding", y, dhead)

        engine.addColumnSums(of: g, into: dw)
        engine.addColumnSums(of: g, times: x, into: db)
        keep("column sums", dw, db)
        engine.scaleColumns(x, by: row, into: y)
        engine.scaleRows(y, by: column, into: dx)
        engine.rowSquares(Weight(x), into: mean)
        engine.dropout(x, rate: 0.3, key: 1, firstPlace: 1 << 40, into: h)
        keep("elements", y, dx, mean, h)
        results.append(("norm", [Float(engine.squaredNorm(x))]))
        let first = empty(rows, width), second = empty(rows, width)
        engine.adamW(y, gradient: g, first: first, second: second, step: 1, AdamW(learningRate: 0.01))
        keep("AdamW", y, first, second)
        return results
    }
}
