#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How often each byte value occurs at each place of an element.
struct ByteHistogram: Sendable {
    private var counts: [UInt32] = []
    private var elements = 0

    mutating func add(_ bytes: UnsafeRawBufferPointer, width: Int) {
        if counts.count < width * 256 { counts += [UInt32](repeating: 0, count: width * 256 - counts.count) }
        for place in 0..<width {
            for index in stride(from: place, to: bytes.count, by: width) {
                unsafe counts[place * 256 + Int(bytes[index])] += 1
            }
        }
        elements += bytes.count / width
    }

    mutating func add(_ other: ByteHistogram) {
        if counts.count < other.counts.count {
            counts += [UInt32](repeating: 0, count: other.counts.count - counts.count)
        }
        for index in other.counts.indices { counts[index] += other.counts[index] }
        elements += other.elements
    }

    /// Bits an element, by the frequencies of the bytes at each place; zero for none.
    var bits: Double {
        guard elements > 0 else { return 0 }
        var bits = 0.0
        for count in counts where count > 0 {
            let share = Double(count) / Double(elements)
            bits -= share * log2(share)
        }
        return bits
    }
}
