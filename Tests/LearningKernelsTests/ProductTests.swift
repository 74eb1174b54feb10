import Kernels
import Support
import Testing

@Suite("Products") struct ProductTests {
    static let shapes = [
        (1, 1, 1), (1, 16, 0), (3, 5, 7), (8, 48, 64), (9, 49, 65), (17, 33, 300), (25, 8, 513), (64, 130, 31),
        (7, 96, 257), (100, 15, 20), (30, 200, 12),
    ]

    @Test("each number is one chain, in every orientation", arguments: shapes)
    func orientations(shape: (Int, Int, Int)) {
        check(Float.self, shape)
        check(Double.self, shape)
    }

    private func check<R: Real>(_ type: R.Type, _ shape: (Int, Int, Int)) {
        let (rows, columns, depth) = shape
        var random = RepeatableRandom(seed: UInt64(rows * columns + depth))
        let a: Matrix<R> = random.matrix(rows, depth), b: Matrix<R> = random.matrix(depth, columns)
        let start: Matrix<R> = random.matrix(rows, columns), bias: Matrix<R> = random.matrix(1, columns)
        let at = a.turned(), bt = b.turned()
        let terms: [Term<R>] = [
            Term(a, b), Term(a, bt, transposed: true), Term(at, transposed: true, b),
            Term(at, transposed: true, bt, transposed: true),
        ]
        for threads in 1...2 {
            let engine = Engine<R>(threads: threads)
            for (place, term) in terms.enumerated() {
                let c: Matrix<R> = random.matrix(rows, columns)
                for (name, begin, first) in [
                    ("zero", Start<R>.zero, { _, _ in 0 }), ("row", .row(bias), { bias[0, $1] }),
                    ("matrix", .matrix(start), { start[$0, $1] }),
                ] as [(String, Start<R>, (Int, Int) -> R)] {
                    engine.multiply(term, from: begin, into: c)
                    #expect(wrong(c, [(a, b)], first) == nil, "orientation \(place) from \(name)")
                }
                c.copy(from: start)
                engine.multiply(term, terms[0], from: .accumulate, into: c)
                #expect(wrong(c, [(a, b), (a, b)]) { start[$0, $1] } == nil, "orientation \(place), two terms")
            }
        }
    }

    private func wrong<R: Real>(_ c: Matrix<R>, _ terms: [(Matrix<R>, Matrix<R>)], _ start: (Int, Int) -> R) -> String?
    {
        for row in 0..<c.rows {
            for column in 0..<c.columns {
                let expected = chain(start(row, column), terms, row, column)
                if c[row, column] != expected { return "[\(row), \(column)] is \(c[row, column]), not \(expected)" }
            }
        }
        return nil
    }

    @Test("weights are widened on the way", arguments: [WeightFormat.f32, .bf16, .f16], [1, 2])
    func narrow(format: WeightFormat, threads: Int) {
        var random = RepeatableRandom(seed: 5)
        let owner = Bytes(count: 67 * 300 * 4, &random)
        let weight = unsafe Weight<Float>(unsafe: owner.start, format: format, rows: 67, columns: 300, owner: owner)
        let wide = unsafe Weight<Double>(unsafe: owner.start, format: format, rows: 67, columns: 300, owner: owner)
        let widened = weight.widened()
        #expect(wide.widened().values.map { Float($0) } == widened.values)
        let x: Matrix<Float> = random.matrix(37, 300), g: Matrix<Float> = random.matrix(37, 40)
        let y = Matrix<Float>(rows: 37, columns: 67), dx = Matrix<Float>(rows: 37, columns: 300)
        let engine = Engine<Float>(threads: threads)
        engine.multiply(Term(x, weight, transposed: true), into: y)
        #expect(wrong(y, [(x, widened.turned())]) { _, _ in 0 } == nil)
        engine.multiply(Term(g, weight.rows(20..<60)), into: dx)
        #expect(wrong(dx, [(g, widened.rows(20..<60))]) { _, _ in 0 } == nil)
    }

    @Test("rows of a batch may be split")
    func split() {
        var random = RepeatableRandom(seed: 6)
        let x: Matrix<Float> = random.matrix(301, 70), g: Matrix<Float> = random.matrix(301, 90)
        let engine = Engine<Float>(threads: 2)
        let whole = Matrix<Float>(rows: 90, columns: 70), parts = Matrix<Float>(rows: 90, columns: 70)
        engine.multiply(Term(g, transposed: true, x), into: whole)
        for rows in [0..<3, 3..<100, 100..<301] {
            engine.multiply(Term(g.rows(rows), transposed: true, x.rows(rows)), from: .accumulate, into: parts)
        }
        #expect(whole.values == parts.values)
    }
}

/// Bytes that are small floats of any width.
@safe
final class Bytes: @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    init(count: Int, _ random: inout RepeatableRandom) {
        unsafe memory = .allocate(byteCount: count, alignment: 64)
        for index in 0..<count {
            // The upper byte of a half or a float: a sign and an exponent near one's.
            let isHigh = index % 2 == 1
            let byte = UInt8(truncatingIfNeeded: random.next())
            unsafe memory[index] = isHigh ? byte & 0x87 | 0x38 : byte
        }
    }

    deinit { unsafe memory.deallocate() }

    var start: UnsafeRawPointer {
        guard let start = unsafe memory.baseAddress else { preconditionFailure("no bytes") }
        return UnsafeRawPointer(start)
    }
}
