import Adapters
import CKernels
import DeltaAlgebra
import Diagnostics
import Support
import Tensors
import Testing

/// Differences as tensors that are read in any pieces: what is put back is what they were taken of, bit for bit.
@Suite("Differences that are read in pieces", .serialized)
struct DifferenceSourceTests {
    static let dtypes: [DType] = [
        .bf16, .f16, .f32, .f64, .i8, .u8, .i16, .i32, .i64, .u64, .bool, .c64, .f8e4m3, .f8e5m2, .f8e8m0,
    ]
    /// Of a window, in elements.
    static let window = 1 << 19

    /// Two tensors of any bits, one in `every` elements of which differs.
    private func pair(
        _ dtype: DType, _ count: Int, every: UInt64, _ random: inout RepeatableRandom
    ) throws -> (base: TensorBuffer, tuned: TensorBuffer) {
        let width = dtype.bits / 8
        let bytes = random.bytes(count * width)
        var other = bytes
        for start in stride(from: 0, to: other.count, by: width) where random.next() % every == 0 {
            for place in start..<start + width { other[place] = UInt8(truncatingIfNeeded: random.next()) }
        }
        return (
            try TensorBuffer(dtype: dtype, shape: [count], bytes: bytes),
            try TensorBuffer(dtype: dtype, shape: [count], bytes: other)
        )
    }

    /// Ranges that begin and end anywhere.
    private func ranges(_ count: Int, _ random: inout RepeatableRandom) -> [Range<Int>] {
        var ranges = [0..<count, 0..<min(1, count), max(0, count - 1)..<count, count..<count]
        for _ in 0..<2 {
            let ends = [Int(random.next() % UInt64(count + 1)), Int(random.next() % UInt64(count + 1))].sorted()
            ranges.append(ends[0]..<ends[1])
        }
        return ranges
    }

    private func expectReads(
        _ source: any TensorSource, _ expected: [UInt8], alignment: Int = 1, _ random: inout RepeatableRandom,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(source.byteCount == expected.count, sourceLocation: sourceLocation)
        for range in ranges(expected.count / alignment, &random) {
            let bytes = range.lowerBound * alignment..<range.upperBound * alignment
            let found = try source.read(at: bytes.lowerBound, count: bytes.count)
            #expect(found == Array(expected[bytes]), "\(bytes)", sourceLocation: sourceLocation)
        }
    }

    private func limited<Result>(to limit: Int, _ body: () throws -> Result) rethrows -> Result {
        tenon_simd_limit(Int32(limit))
        defer { tenon_simd_limit(Int32(TENON_SIMD_AVX512)) }
        return try body()
    }

    @Test("of every element", arguments: dtypes)
    func exact(dtype: DType) throws {
        var random = RepeatableRandom(seed: UInt64(dtype.rawValue))
        for count in [0, 1, 7, 1000] + ([.bf16, .u8, .f64].contains(dtype) ? [Self.window + 1] : []) {
            let (base, tuned) = try pair(dtype, count, every: 2, &random)
            let difference = ExactDifference(base: base, tuned: tuned)
            let coded = try difference.readAll()
            try expectReads(difference, coded, &random)
            let buffer = try TensorBuffer(dtype: difference.dtype, shape: difference.shape, bytes: coded)
            try expectReads(try ExactTensor(base: base, difference: buffer), tuned.bytes, &random)
        }
    }

    @Test("at a window's borders, of every body", arguments: [DType.bf16, .f16, .f32])
    func borders(dtype: DType) throws {
        var random = RepeatableRandom(seed: 3)
        for count in [Self.window - 1, Self.window] {
            let (base, tuned) = try pair(dtype, count, every: 3, &random)
            var first: [UInt8]?
            for limit in [TENON_SIMD_PORTABLE | TENON_SIMD_PLAIN, TENON_SIMD_AVX2, TENON_SIMD_AVX512] {
                let coded = try limited(to: limit) { try ExactDifference(base: base, tuned: tuned).readAll() }
                #expect(coded == first ?? coded)
                first = coded
            }
            let kind = ExactDifference(base: base, tuned: tuned)
            let buffer = try TensorBuffer(dtype: kind.dtype, shape: kind.shape, bytes: try #require(first))
            #expect(try ExactTensor(base: base, difference: buffer).readAll() == tuned.bytes)
        }
    }

    @Test("without order, as corrections are", arguments: dtypes)
    func plain(dtype: DType) throws {
        var random = RepeatableRandom(seed: 100 + UInt64(dtype.rawValue))
        for count in [0, 1, 9, 4099] {
            let (base, tuned) = try pair(dtype, count, every: 2, &random)
            let difference = PlainDifference(base: base, tuned: tuned)
            let coded = try difference.readAll()
            try expectReads(difference, coded, alignment: dtype.bits / 8, &random)
            let buffer = try TensorBuffer(dtype: difference.dtype, shape: difference.shape, bytes: coded)
            let corrected = try CorrectedTensor(base: base, difference: buffer)
            try expectReads(corrected, tuned.bytes, alignment: dtype.bits / 8, &random)
        }
    }

    /// The gaps of the changes, counted plainly: `Spec/arithmetic.md`, "Few changes".
    private func plainGaps(_ base: TensorBuffer, _ tuned: TensorBuffer) -> (gaps: [UInt8], counts: [FewChangesCount]) {
        let width = base.dtype.bits / 8
        let count = base.byteCount / width
        var gaps: [UInt8] = []
        var counts: [FewChangesCount] = []
        for start in stride(from: 0, to: count, by: Self.window) {
            var since = 0
            var changes = 0
            let before = gaps.count
            for place in start..<min(start + Self.window, count) {
                let bytes = place * width..<(place + 1) * width
                if base.bytes[bytes] == tuned.bytes[bytes] {
                    since += 1
                    continue
                }
                gaps += [UInt8](repeating: 255, count: since / 255) + [UInt8(since % 255)]
                since = 0
                changes += 1
            }
            counts.append(FewChangesCount(changes: changes, gapBytes: gaps.count - before))
        }
        return (gaps, counts)
    }

    @Test("of few elements, in both modes", arguments: dtypes, [FewChangesMode.difference, .replace])
    func few(dtype: DType, mode: FewChangesMode) throws {
        var random = RepeatableRandom(seed: 200 + UInt64(dtype.rawValue))
        for count in [1, 9, 5000] + (dtype == .bf16 ? [Self.window, Self.window * 2 + 1] : []) {
            for every in [3, 700] as [UInt64] {
                let (base, tuned) = try pair(dtype, count, every: every, &random)
                let (gaps, counts) = plainGaps(base, tuned)
                let roles = try FewChanges(base: base, tuned: tuned, mode: mode, counts: counts).tensors()
                let streams = Dictionary(uniqueKeysWithValues: roles.map { ($0.role, $0.source) })
                let indices = try #require(streams[.indices])
                let value = try #require(streams[.value])
                try expectReads(indices, gaps, &random)
                let values = try value.readAll()
                try expectReads(value, values, &random)
                if mode == .replace {
                    let width = dtype.bits / 8
                    let changed = stride(from: 0, to: tuned.byteCount, by: width).filter {
                        base.bytes[$0..<$0 + width] != tuned.bytes[$0..<$0 + width]
                    }
                    #expect(values == changed.flatMap { tuned.bytes[$0..<$0 + width] } && value.dtype == dtype)
                }
                let tensor = try FewChangesTensor(
                    base: base, gaps: TensorBuffer(gaps),
                    values: TensorBuffer(dtype: value.dtype, shape: value.shape, bytes: values),
                    counts: try #require(streams[.counts]), mode: mode)
                try expectReads(tensor, tuned.bytes, &random)
            }
        }
    }

    // MARK: What does not fit

    private func code(_ body: () throws(Failure) -> Void) -> Failure.Code? {
        do throws(Failure) {
            try body()
            return nil
        } catch { return error.code }
    }

    @Test("of another type or size are refused")
    func shapes() throws {
        let base = try TensorBuffer(dtype: .bf16, shape: [4], bytes: [UInt8](repeating: 0, count: 8))
        for (dtype, count) in [(DType.u8, 8), (.bf16, 4), (.u16, 3), (.u16, 5), (.u32, 2)] {
            let wrong = try TensorBuffer(
                dtype: dtype, shape: [count], bytes: [UInt8](repeating: 0, count: count * dtype.bits / 8))
            #expect(
                code { () throws(Failure) in _ = try ExactTensor(base: base, difference: wrong) } == .baseIncompatible)
            #expect(
                code { () throws(Failure) in _ = try CorrectedTensor(base: base, difference: wrong) }
                    == .baseIncompatible)
        }
    }

    private func apply(
        _ gaps: [UInt8], values: Int, counts: [FewChangesCount], mode: FewChangesMode, elements: Int = 600,
        valueType: DType? = nil
    ) throws -> Failure.Code? {
        let base = try TensorBuffer(dtype: .bf16, shape: [elements], bytes: [UInt8](repeating: 0, count: elements * 2))
        let dtype = valueType ?? (mode == .replace ? .bf16 : .u16)
        let bytes = [UInt8](repeating: 1, count: values * dtype.bits / 8)
        let value = try TensorBuffer(dtype: dtype, shape: [values], bytes: bytes)
        let numbers = counts.flatMap { count in
            [count.changes, count.gapBytes].flatMap { number in
                (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            }
        }
        let table = try TensorBuffer(dtype: .u32, shape: [counts.count, 2], bytes: numbers)
        return code { () throws(Failure) in
            let tensor = try FewChangesTensor(
                base: base, gaps: TensorBuffer(gaps), values: value, counts: table, mode: mode)
            _ = try tensor.readAll()
        }
    }

    @Test("of few elements that do not add up are refused", arguments: [FewChangesMode.difference, .replace])
    func hostile(mode: FewChangesMode) throws {
        func count(_ changes: Int, _ gapBytes: Int) -> FewChangesCount {
            FewChangesCount(changes: changes, gapBytes: gapBytes)
        }
        func expect(
            _ gaps: [UInt8], _ values: Int, _ counts: [FewChangesCount], _ wanted: Failure.Code? = .sparseIndex,
            elements: Int = 600, valueType: DType? = nil, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(
                try apply(gaps, values: values, counts: counts, mode: mode, elements: elements, valueType: valueType)
                    == wanted, sourceLocation: sourceLocation)
        }
        try expect([5, 6], 2, [count(2, 2)], nil)
        try expect([255, 255, 89], 1, [count(1, 3)], nil)
        try expect([], 0, [count(0, 0)], nil)
        // Beyond the tensor, by one and by far.
        try expect([255, 255, 90], 1, [count(1, 3)])
        try expect([254, 254, 254], 3, [count(3, 3)])
        // A gap without its end.
        try expect([5, 255], 1, [count(1, 2)])
        try expect([5, 255], 2, [count(2, 2)])
        // Numbers that do not add up.
        try expect([5, 6], 1, [count(2, 2)])
        try expect([5, 6], 2, [count(1, 2)])
        try expect([5, 6], 3, [count(2, 2)])
        try expect([5], 2, [count(2, 2)])
        try expect([5, 6], 1, [count(1, 2)])
        try expect([5, 6], 2, [count(2, 1)])
        try expect([5, 6], 2, [])
        try expect([5, 6], 2, [count(1, 1), count(1, 1)])
        try expect([], 0, [count(Int(UInt32.max), Int(UInt32.max))])
        try expect([5, 6], 2, [count(2, 2)], valueType: mode == .replace ? .f16 : .u8)
        // More changes in the last window than it has elements.
        try expect([0, 0, 0], 3, [count(3, 3)], elements: 2)
    }

    @Test("of no change where one is told are refused")
    func zeroDifference() throws {
        let base = try TensorBuffer(dtype: .u8, shape: [4], bytes: [1, 2, 3, 4])
        let table = try TensorBuffer(dtype: .u32, shape: [1, 2], bytes: [1, 0, 0, 0, 1, 0, 0, 0])
        let zero = try TensorBuffer(dtype: .u8, shape: [1], bytes: [0])
        let found = code { () throws(Failure) in
            let tensor = try FewChangesTensor(
                base: base, gaps: TensorBuffer([1]), values: zero, counts: table, mode: .difference)
            _ = try tensor.readAll()
        }
        #expect(found == .sparseIndex)
    }
}
