import CKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How far bytes are from noise.
enum Entropy {
    static func counts(of bytes: UnsafeRawBufferPointer) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: 256)
        unsafe tenon_histogram(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &counts)
        return counts
    }

    /// Bits per byte by the frequencies of the byte values.
    static func bits(of bytes: UnsafeRawBufferPointer) -> Double {
        guard bytes.count > 0 else { return 0 }
        return unsafe bits(of: counts(of: bytes), together: bytes.count) / Double(bytes.count)
    }

    /// The same told from some stretches of a long plane, evenly spread.
    static func sampledBits(of bytes: UnsafeRawBufferPointer) -> Double {
        let (stretch, stretches) = (1 << 10, 16)
        guard bytes.count > stretch * stretches else { return unsafe bits(of: bytes) }
        var sum = [UInt32](repeating: 0, count: 256)
        for number in 0..<stretches {
            let start = bytes.count / stretches * number
            let part = unsafe counts(of: UnsafeRawBufferPointer(rebasing: bytes[start..<start + stretch]))
            for value in part.indices { sum[value] += part[value] }
        }
        return bits(of: sum, together: stretch * stretches) / Double(stretch * stretches)
    }

    /// The bits of all bytes, `together` of them, by how often each occurs.
    static func bits(of counts: [UInt32], together: Int) -> Double {
        // −Σ c·log2(p) with p = c/n is n·log2(n) − Σ c·log2(c).
        var sum = 0.0
        for count in counts { sum += Int(count) < products.count ? products[Int(count)] : product(Double(count)) }
        return product(Double(together)) - sum
    }

    private static func product(_ count: Double) -> Double { count > 0 ? count * log2(count) : 0 }

    /// `c·log2(c)` for the counts that samples have: logarithms would cost small tensors more than their coding.
    private static let products = (0...1024).map { product(Double($0)) }

    /// Below this a sample is worth a compressor's time: what even noise falls short of eight bits by chance (about
    /// 255 / 2n ln 2), and a little more.
    static func noise(sampleSize: Int) -> Double {
        8 - 255 / (2 * Double(sampleSize) * 0.6931471805599453) - 0.12
    }
}
