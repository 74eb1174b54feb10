import Kernels
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Attention") struct AttentionTests {
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var pattern: AttentionPattern
        var size = 6
        var rows: Int { pattern.segments.last?.upperBound ?? 0 }
        var keyRows: Int { (pattern.keySegments ?? pattern.segments).last?.upperBound ?? 0 }
    }

    static let cases = [
        Case(
            description: "causal, shared keys",
            pattern: AttentionPattern(
                heads: 4, keyHeads: 2, segments: [0..<5, 5..<75, 75..<76], isCausal: true, scale: 0.4)),
        Case(
            description: "both ways, long",
            pattern: AttentionPattern(heads: 1, keyHeads: 1, segments: [0..<3, 3..<270], isCausal: false, scale: 0.7),
            size: 16),
        Case(
            description: "a window",
            pattern: AttentionPattern(
                heads: 2, keyHeads: 1, segments: [0..<90, 90..<420], isCausal: true, window: 7, scale: 1)),
        Case(
            description: "keys before the queries",
            pattern: AttentionPattern(
                heads: 2, keyHeads: 2, segments: [0..<5, 5..<75], keySegments: [0..<9, 9..<83], isCausal: true,
                scale: 0.5)),
        Case(
            description: "other keys",
            pattern: AttentionPattern(
                heads: 2, keyHeads: 2, segments: [0..<9, 9..<20], keySegments: [0..<3, 3..<300], isCausal: false,
                scale: 0.5)),
    ]

    /// Everything attention reads and writes.
    struct Setting<R: Real> {
        let q, k, v, o, logSums, share, dq, dk, dv: Matrix<R>

        init(_ of: Case, _ random: inout RepeatableRandom) {
            let wide = of.pattern.heads * of.size, narrow = of.pattern.keyHeads * of.size
            q = random.matrix(of.rows, wide)
            k = random.matrix(of.keyRows, narrow)
            v = random.matrix(of.keyRows, narrow)
            share = random.matrix(of.rows, wide)
            o = Matrix(rows: of.rows, columns: wide)
            logSums = Matrix(rows: of.rows, columns: of.pattern.heads)
            dq = random.matrix(of.rows, wide)
            dk = random.matrix(of.keyRows, narrow)
            dv = random.matrix(of.keyRows, narrow)
        }

        func run(_ engine: Engine<R>, _ pattern: AttentionPattern) {
            engine.attention(q: q, k: k, v: v, pattern, into: o, logSums: logSums)
            engine.attentionBackward(
                q: q, k: k, v: v, pattern, o: o, logSums: logSums, gradient: share, intoQ: dq, k: dk, v: dv)
        }
    }

    @Test("outputs are weighted means, gradients are slopes", arguments: cases)
    func formula(of: Case) {
        var random = RepeatableRandom(seed: 1)
        let set = Setting<Double>(of, &random), engine = Engine<Double>(threads: 2), pattern = of.pattern
        set.run(engine, pattern)
        let shared = pattern.heads / pattern.keyHeads
        for (queries, keys) in zip(pattern.segments, pattern.keySegments ?? pattern.segments) {
            for (i, row) in queries.enumerated() {
                let last = i + keys.count - queries.count
                let seen = keys.enumerated().filter { j, _ in
                    (!pattern.isCausal || j <= last) && (pattern.window.map { j > last - $0 } ?? true)
                }.map(\.element)
                for head in 0..<pattern.heads {
                    let from = head * of.size, keyFrom = head / shared * of.size
                    let weights = seen.map { key in
                        exp(
                            pattern.scale
                                * (0..<of.size).reduce(0) { $0 + set.q[row, from + $1] * set.k[key, keyFrom + $1] })
                    }
                    let total = weights.reduce(0, +)
                    #expect(abs(set.logSums[row, head] - log(total)) < 1e-13)
                    for j in 0..<of.size {
                        let mean = zip(weights, seen).reduce(0) { $0 + $1.0 * set.v[$1.1, keyFrom + j] } / total
                        #expect(abs(set.o[row, from + j] - mean) < 1e-13)
                    }
                }
            }
        }
        let o = set.o.copied(), logSums = set.logSums.copied()
        for (place, gradient) in [(set.q, set.dq), (set.k, set.dk), (set.v, set.dv)] {
            let error = slopeError(place, gradient: gradient, &random) {
                engine.attention(q: set.q, k: set.k, v: set.v, pattern, into: o, logSums: logSums)
                return o.dot(set.share)
            }
            #expect(error < 1e-7)
        }
    }

    @Test("a segment comes to the same alone as beside others", arguments: cases)
    func segments(of: Case) {
        var random = RepeatableRandom(seed: 2)
        let set = Setting<Float>(of, &random), alone = Engine<Float>(threads: 1)
        set.run(Engine<Float>(threads: 2), of.pattern)
        for (queries, keys) in zip(of.pattern.segments, of.pattern.keySegments ?? of.pattern.segments) {
            var pattern = of.pattern
            pattern.segments = [0..<queries.count]
            pattern.keySegments = [0..<keys.count]
            let q = set.q.rows(queries), k = set.k.rows(keys), v = set.v.rows(keys)
            let o = Matrix<Float>(rows: q.rows, columns: q.columns)
            let logSums = Matrix<Float>(rows: q.rows, columns: pattern.heads)
            let dq = o.copied(), dk = Matrix<Float>(rows: k.rows, columns: k.columns), dv = dk.copied()
            alone.attention(q: q, k: k, v: v, pattern, into: o, logSums: logSums)
            alone.attentionBackward(
                q: q, k: k, v: v, pattern, o: o, logSums: logSums, gradient: set.share.rows(queries), intoQ: dq, k: dk,
                v: dv)
            #expect(o.values == set.o.rows(queries).values)
            #expect(dq.values == set.dq.rows(queries).values)
            #expect(dk.values == set.dk.rows(keys).values && dv.values == set.dv.rows(keys).values)
        }
    }
}
