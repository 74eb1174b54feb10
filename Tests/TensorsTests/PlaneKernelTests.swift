import CKernels
import Testing

/// The limit on instruction sets is the process's, so these tests take turns. Others that run meanwhile may move it;
/// then a body goes untested in that run, but no result changes.
@Suite("Plane and float kernels", .serialized)
struct PlaneKernelTests {
    static let limits = [TENON_SIMD_PORTABLE, TENON_SIMD_NEON, TENON_SIMD_AVX2, TENON_SIMD_AVX512]

    /// Every count of left-over elements after whole vectors, and some longer.
    static let counts = Array(0...140) + [255, 256, 257, 1000]

    // MARK: Planes

    @Test("exponents split as a rotation by one and join back", arguments: limits, [2, 4, 8])
    func exponents(limit: Int, width: Int) {
        for count in Self.counts {
            let source = noise(count * width)
            var expectedExponents: [UInt8] = [], expectedRest: [UInt8] = []
            for element in 0..<count {
                let rotated = rotatedLeft(Array(source[width * element..<width * (element + 1)]))
                expectedExponents.append(rotated[width - 1])
                expectedRest += rotated.dropLast()
            }
            limited(to: limit) {
                // One byte from an aligned address, and one beyond the end that must stay as it is.
                var exponents = [UInt8](repeating: 0xcc, count: count + 2)
                var rest = [UInt8](repeating: 0xcc, count: count * (width - 1) + 2)
                var joined = [UInt8](repeating: 0xcc, count: count * width + 2)
                let shifted = [0] + source
                unsafe shifted.withUnsafeBufferPointer { from in
                    unsafe exponents.withUnsafeMutableBufferPointer { exponents in
                        unsafe rest.withUnsafeMutableBufferPointer { rest in
                            unsafe tenon_split_exponent(
                                from.baseAddress! + 1, count, width, exponents.baseAddress! + 1, rest.baseAddress! + 1)
                            unsafe joined.withUnsafeMutableBufferPointer { joined in
                                unsafe tenon_join_exponent(
                                    exponents.baseAddress! + 1, rest.baseAddress! + 1, count, width,
                                    joined.baseAddress! + 1)
                            }
                        }
                    }
                }
                #expect(exponents == [0xcc] + expectedExponents + [0xcc], "\(count) elements")
                #expect(rest == [0xcc] + expectedRest + [0xcc], "\(count) elements")
                #expect(joined == [0xcc] + source + [0xcc], "\(count) elements")
            }
        }
    }

    @Test("bytes split into planes and join back", arguments: limits, [2, 4, 8])
    func bytes(limit: Int, width: Int) {
        for count in Self.counts {
            let source = noise(count * width)
            let expected = (0..<width).flatMap { plane in (0..<count).map { source[width * $0 + plane] } }
            limited(to: limit) {
                var planes = [UInt8](repeating: 0xcc, count: count * width + 2)
                var joined = [UInt8](repeating: 0xcc, count: count * width + 2)
                let shifted = [0] + source
                unsafe shifted.withUnsafeBufferPointer { from in
                    unsafe planes.withUnsafeMutableBufferPointer { planes in
                        unsafe tenon_split_bytes(from.baseAddress! + 1, count, width, planes.baseAddress! + 1)
                        unsafe joined.withUnsafeMutableBufferPointer { joined in
                            unsafe tenon_join_bytes(planes.baseAddress! + 1, count, width, joined.baseAddress! + 1)
                        }
                    }
                }
                #expect(planes == [0xcc] + expected + [0xcc], "\(count) elements")
                #expect(joined == [0xcc] + source + [0xcc], "\(count) elements")
            }
        }
    }

    @Test("the histogram counts each byte, and zeros are told from anything else")
    func histogramAndZeros() {
        for count in Self.counts {
            let source = noise(count)
            var expected = [UInt32](repeating: 0, count: 256)
            for byte in source { expected[Int(byte)] += 1 }
            var counts = [UInt32](repeating: 7, count: 256)
            unsafe tenon_histogram(source, count, &counts)
            #expect(counts == expected)

            var zeros = [UInt8](repeating: 0, count: count)
            #expect(unsafe tenon_is_zero(zeros, count) != 0)
            for position in zeros.indices {
                zeros[position] = 1 << UInt8(position % 8)
                #expect(unsafe tenon_is_zero(zeros, count) == 0)
                zeros[position] = 0
            }
        }
    }

    // MARK: 16-bit floats

    /// Every pattern of 16 bits.
    static let patterns = (0...UInt16.max).map(\.self)

    @Test("every f16 widens to its value; a NaN becomes quiet", arguments: limits)
    func widenF16(limit: Int) {
        let floats = limited(to: limit) { unsafe widened(Self.patterns, by: tenon_f32_from_f16) }
        for (half, float) in zip(Self.patterns, floats) {
            let exponent = Int(half >> 10 & 0x1f), fraction = UInt32(half & 0x3ff)
            let sign = UInt32(half & 0x8000) << 16
            let expected: UInt32
            switch exponent {
            case 0x1f: expected = sign | 0x7f80_0000 | fraction << 13 | (fraction == 0 ? 0 : 0x0040_0000)
            case 0: expected = sign | (Float(fraction) * 0x1p-24).bitPattern
            default: expected = sign | UInt32(exponent + 112) << 23 | fraction << 13
            }
            if float.bitPattern != expected { Issue.record("f16 \(half) became \(float.bitPattern)") }
        }
        let back = limited(to: limit) { unsafe narrowed(floats, by: tenon_f16_from_f32) }
        for (half, back) in zip(Self.patterns, back) {
            let isNaN = half & 0x7c00 == 0x7c00 && half & 0x3ff != 0
            if back != half | (isNaN ? 0x0200 : 0) { Issue.record("f16 \(half) came back as \(back)") }
        }
    }

    @Test("every bf16 widens by a shift and comes back", arguments: limits)
    func widenBF16(limit: Int) {
        let floats = limited(to: limit) { unsafe widened(Self.patterns, by: tenon_f32_from_bf16) }
        #expect(floats.map(\.bitPattern) == Self.patterns.map { UInt32($0) << 16 })
        let back = limited(to: limit) { unsafe narrowed(floats, by: tenon_bf16_from_f32) }
        #expect(back == Self.patterns.map { $0 & 0x7f80 == 0x7f80 && $0 & 0x7f != 0 ? $0 | 0x0040 : $0 })
    }

    @Test("narrowing rounds ties to even, overflows to infinity and keeps a NaN quiet", arguments: limits)
    func narrow(limit: Int) {
        let cases: [(bits: UInt32, f16: UInt16, bf16: UInt16)] = [
            (0x3f80_0000, 0x3c00, 0x3f80),  // 1
            (0x3f80_1000, 0x3c00, 0x3f80),  // 1 + 2^-11, a tie in f16: down to even
            (0x3f80_3000, 0x3c02, 0x3f80),  // 1 + 3 * 2^-11: up to even
            (0x3f80_8000, 0x3c04, 0x3f80),  // 1 + 2^-8, a tie in bf16: down
            (0x3f81_8000, 0x3c0c, 0x3f82),  // up
            (0x477f_efff, 0x7bff, 0x4780),  // the last below 65520
            (0x477f_f000, 0x7c00, 0x4780),
            (0x7f7f_ffff, 0x7c00, 0x7f80),
            (0xff80_0000, 0xfc00, 0xff80),
            (0x3300_0000, 0x0000, 0x3300),  // 2^-25, half the least f16: down to zero
            (0x3300_0001, 0x0001, 0x3300),
            (0xb880_0000, 0x8400, 0xb880),  // -2^-14, the least normal f16
            (0x387f_ffff, 0x0400, 0x3880),  // rounds up to it
            (0x7f80_0001, 0x7e00, 0x7fc0),  // a signaling NaN whose payload would be lost
            (0xffe4_6000, 0xff23, 0xffe4),
        ]
        // Repeated and cut short, so that each is met in a vector and in what is left over.
        let repeated = Array(repeatElement(cases, count: 5).joined())
        let floats = repeated.map { Float(bitPattern: $0.bits) }
        limited(to: limit) {
            #expect(unsafe narrowed(floats, by: tenon_f16_from_f32) == repeated.map(\.f16))
            #expect(unsafe narrowed(floats, by: tenon_bf16_from_f32) == repeated.map(\.bf16))
        }
    }

    @Test("bodies agree on floats spread over all bit patterns", arguments: limits)
    func narrowAlike(limit: Int) {
        let floats = stride(from: UInt32(0), to: .max, by: 40_503).map { Float(bitPattern: $0) }
        func both() -> [[UInt16]] {
            unsafe [narrowed(floats, by: tenon_f16_from_f32), narrowed(floats, by: tenon_bf16_from_f32)]
        }
        #expect(limited(to: limit, both) == limited(to: TENON_SIMD_PORTABLE, both))
    }
}

// MARK: Calling the kernels

private func limited<Result>(to limit: Int, _ body: () -> Result) -> Result {
    tenon_simd_limit(Int32(limit))
    defer { tenon_simd_limit(Int32(TENON_SIMD_AVX512)) }
    return body()
}

private func widened(
    _ halves: [UInt16], by widen: (UnsafePointer<UInt16>?, Int, UnsafeMutablePointer<Float>?) -> Void
) -> [Float] {
    var floats = [Float](repeating: 0, count: halves.count)
    unsafe widen(halves, halves.count, &floats)
    return floats
}

private func narrowed(
    _ floats: [Float], by narrow: (UnsafePointer<Float>?, Int, UnsafeMutablePointer<UInt16>?) -> Void
) -> [UInt16] {
    var halves = [UInt16](repeating: 0, count: floats.count)
    unsafe narrow(floats, floats.count, &halves)
    return halves
}

/// The bits of a little-endian element, moved up by one, the top one to the bottom.
private func rotatedLeft(_ element: [UInt8]) -> [UInt8] {
    let below = [element[element.count - 1]] + element.dropLast()
    return zip(element, below).map { $0 << 1 | $1 >> 7 }
}

private func noise(_ count: Int) -> [UInt8] {
    var state: UInt32 = 0x1234_5678
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}
