import CKernels
import Support
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("Entropy coder")
struct EntropyCoderTests {
    /// Bytes of several skews: one value, two, few, a slope, noise.
    static func samples(_ count: Int, skew: Int) -> [UInt8] {
        var random = RepeatableRandom(seed: UInt64(count * 8 + skew))
        return (0..<count).map { _ in
            let bits = random.next()
            return switch skew {
            case 0: 42
            case 1: bits % 1000 == 0 ? 255 : 0
            case 2: UInt8(bits % 3)
            case 3: UInt8(min(255, bits.leadingZeroBitCount * 3))
            default: UInt8(truncatingIfNeeded: bits)
            }
        }
    }

    @Test("frequencies add up, and none that occurs is lost", arguments: 0...4)
    func frequencies(skew: Int) {
        for count in [1, 2, 3, 255, 4096, 5000, 70_000] {
            let counts = Self.histogram(Self.samples(count, skew: skew))
            let frequencies = Self.normalized(counts)
            #expect(frequencies.reduce(0) { $0 + Int($1) } == TENON_RANS_TOTAL)
            #expect(zip(counts, frequencies).allSatisfy { ($0 == 0) == ($1 == 0) })
        }
        #expect(Self.normalized([UInt32](repeating: 0, count: 256)) == [UInt16](repeating: 0, count: 256))
        #expect(Self.normalized([UInt32](repeating: .max, count: 256)) == [UInt16](repeating: 16, count: 256))
    }

    @Test("bytes come back", arguments: 0...4)
    func roundTrip(skew: Int) {
        for count in Array(1...70) + [255, 4096, 50_001] {
            let bytes = Self.samples(count, skew: skew)
            let frequencies = Self.normalized(Self.histogram(bytes))
            let coded = Self.encoded(bytes, frequencies)
            #expect(Self.decoded(coded, frequencies, count) == bytes, "\(count) bytes")
            if count == 50_001 {
                let bits = Self.cost(Self.histogram(bytes), frequencies)
                #expect(Double(coded.count) < bits / 8 * 1.001 + 32)
            }
        }
    }

    @Test("the coded bytes are those of the definition")
    func pinned() {
        var frequencies = [UInt16](repeating: 0, count: 256)
        frequencies[0] = 2048
        frequencies[1] = 2048
        // 2^16 / 2048 * 2^12 + 2^16 mod 2048 + 2048 in the first state; the others are as they began.
        #expect(Self.encoded([1], frequencies) == [0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0])
    }

    @Test("a buffer that is too small is not written beyond")
    func capacity() {
        let bytes = Self.samples(500, skew: 4), frequencies = Self.normalized(Self.histogram(bytes))
        let size = Self.encoded(bytes, frequencies).count
        for capacity in [0, 15, 16, 17, size - 2, size - 1, size] {
            var found = -1
            _ = unsafe written(capacity) { unsafe found = tenon_rans_encode(bytes, 500, frequencies, $0, capacity) }
            #expect(found == (capacity < size ? 0 : size))
        }
    }

    @Test("damaged segments are refused or give other bytes, within the buffers")
    func damaged() {
        var random = RepeatableRandom(seed: 11)
        let bytes = Self.samples(300, skew: 3), frequencies = Self.normalized(Self.histogram(bytes))
        let coded = Self.encoded(bytes, frequencies)
        for length in 0..<coded.count { #expect(Self.decoded(Array(coded[..<length]), frequencies, 300) == nil) }
        #expect(Self.decoded(coded + [0, 0], frequencies, 300) == nil)
        #expect(Self.decoded(coded, frequencies, 299) == nil)
        #expect(Self.decoded(coded, frequencies, 301) == nil)
        for at in coded.indices {
            var damaged = coded
            damaged[at] ^= 1 << UInt8(random.next() % 8)
            #expect(Self.decoded(damaged, frequencies, 300) != bytes)
        }
        for _ in 0..<2000 {
            let count = Int(random.next() % 200)
            _ = Self.decoded(random.bytes(Int(random.next() % 64)), frequencies, count)
        }
    }

    @Test("frequencies that do not add up are refused")
    func tables() {
        let coded = [UInt8](repeating: 1, count: 64)
        for (first, second) in [(0, 0), (4095, 0), (4096, 1), (4097, 0), (65535, 65535), (2048, 2049)] {
            var frequencies = [UInt16](repeating: 0, count: 256)
            frequencies[0] = UInt16(first)
            frequencies[255] = UInt16(second)
            #expect(Self.decoded(coded, frequencies, 100) == nil)
        }
        #expect(Self.decoded(coded, [UInt16](repeating: .max, count: 256), 100) == nil)
    }

    // MARK: Calling the kernels

    private static func histogram(_ bytes: [UInt8]) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: 256)
        for byte in bytes { counts[Int(byte)] += 1 }
        return counts
    }

    private static func normalized(_ counts: [UInt32]) -> [UInt16] {
        var frequencies = [UInt16](repeating: 7, count: 256)
        unsafe tenon_rans_normalize(counts, &frequencies)
        return frequencies
    }

    private static func encoded(_ bytes: [UInt8], _ frequencies: [UInt16]) -> [UInt8] {
        let capacity = TENON_RANS_STATES + 2 * ((3 * bytes.count + 3) / 4 + 4)
        var size = 0
        let space = unsafe written(capacity) {
            unsafe size = tenon_rans_encode(bytes, bytes.count, frequencies, $0, capacity)
        }
        return Array(space.prefix(size))
    }

    private static func decoded(_ coded: [UInt8], _ frequencies: [UInt16], _ count: Int) -> [UInt8]? {
        var isRight = false
        let bytes = unsafe shifted(coded) { coded_bytes in
            unsafe written(count) {
                unsafe isRight = tenon_rans_decode(coded_bytes, coded.count, frequencies, $0, count) != 0
            }
        }
        return isRight ? bytes : nil
    }

    /// The bits that symbols of these frequencies cost: Σ count · (12 − log2 frequency).
    private static func cost(_ counts: [UInt32], _ frequencies: [UInt16]) -> Double {
        zip(counts, frequencies).reduce(0) { sum, symbol in
            symbol.0 == 0 ? sum : sum + Double(symbol.0) * (12 - log2(Double(symbol.1)))
        }
    }
}
