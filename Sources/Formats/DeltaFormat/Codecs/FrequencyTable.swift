import CKernels

/// How often each byte occurs in a segment, of ``total``: what an entropy code is made from. `Spec/format.md` §3 says how
/// it is written.
struct FrequencyTable {
    static let total = Int(TENON_RANS_TOTAL)

    /// One for each byte, together ``total``.
    private(set) var values = [UInt16](repeating: 0, count: 256)

    /// The byte that a segment consists of, where there is no other.
    var only: UInt8? { values.firstIndex { $0 == Self.total }.map { UInt8($0) } }

    init() {}

    /// The frequencies that fit a segment in which each byte occurs so often.
    init(counts: [UInt32]) {
        unsafe tenon_rans_normalize(counts, &values)
    }

    /// The order of the code for a frequency by the one before: neighbors differ by about the root of what they are.
    private static func order(after frequency: Int) -> Int {
        (Int.bitWidth - frequency.leadingZeroBitCount) / 2
    }

    var serialized: [UInt8] {
        var writer = BitWriter()
        var before = 0
        var sum = 0
        for value in values.lazy.map({ Int($0) }) {
            let step = value - before
            writer.exponentialGolomb(step < 0 ? -2 * step - 1 : 2 * step, order: Self.order(after: before))
            before = value
            sum += value
            if sum == Self.total { break }
        }
        return writer.finish()
    }

    /// Takes the frequencies that `bytes` begin with, and returns how many bytes they take; nil where they are none.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var reader = unsafe BitReader(bytes)
        var before = 0
        var sum = 0
        for byte in values.indices {
            guard sum < Self.total else {
                values[byte] = 0
                continue
            }
            guard let code = reader.exponentialGolomb(order: Self.order(after: before)) else { return nil }
            let value = before + (code % 2 == 0 ? code / 2 : -(code + 1) / 2)
            guard value >= 0, value <= Self.total - sum else { return nil }
            values[byte] = UInt16(value)
            before = value
            sum += value
        }
        return sum == Self.total ? reader.finish() : nil
    }
}

/// Writes bits, the highest of each byte first.
private struct BitWriter {
    private var bytes: [UInt8] = []
    private var pending: UInt64 = 0
    private var count = 0

    /// As many zeros as `number + 2^order` has digits beyond `order + 1`, then those digits.
    mutating func exponentialGolomb(_ number: Int, order: Int) {
        let digits = number + 1 << order
        let length = Int.bitWidth - digits.leadingZeroBitCount
        append(UInt64(digits), bits: 2 * length - 1 - order)
    }

    private mutating func append(_ value: UInt64, bits: Int) {
        pending = pending << UInt64(bits) | value
        count += bits
        while count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> UInt64(count)))
        }
    }

    /// All bytes, the last one filled up with zeros.
    mutating func finish() -> [UInt8] {
        if count > 0 { append(0, bits: 8 - count) }
        return bytes
    }
}

/// Reads bits, the highest of each byte first, and never past the end.
@safe
private struct BitReader {
    /// Digits of the largest number that a table has.
    private static let longest = 14

    private let bytes: UnsafeRawBufferPointer
    private let bitCount: Int
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
        bitCount = bytes.count * 8
    }

    /// The next 32 bits, zeros beyond the end.
    private var next: UInt32 {
        var word: UInt64 = 0
        for index in position / 8..<position / 8 + 5 {
            unsafe word = word << 8 | (index < bytes.count ? UInt64(bytes[index]) : 0)
        }
        return UInt32(truncatingIfNeeded: word >> UInt64(8 - position % 8))
    }

    mutating func exponentialGolomb(order: Int) -> Int? {
        let next = next
        let zeros = next.leadingZeroBitCount
        let length = zeros + 1 + order
        guard length <= Self.longest, position + zeros + length <= bitCount else { return nil }
        position += zeros + length
        return Int((next << UInt32(zeros)) >> UInt32(32 - length)) - 1 << order
    }

    /// How many bytes were read; nil where the last one ends otherwise than with zeros.
    mutating func finish() -> Int? {
        let used = position % 8
        let count = (position + 7) / 8
        let last = unsafe used == 0 ? 0 : bytes[count - 1]
        return last << UInt8(used) == 0 ? count : nil
    }
}
