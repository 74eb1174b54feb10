#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Numbers that a key and a place decide, in whatever order they are asked for: SplitMix64's finalizer (Steele, Lea and
/// Flood, 2014) of a counter.
package struct CounterRandom: Hashable, Sendable {
    private let key: UInt64

    /// The key of `name` under `seed`: FNV-1a over the name's UTF-8.
    package init(seed: UInt64, name: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        key = Self.mixed(hash ^ Self.mixed(seed))
    }

    /// Uniform in [−1, 1): ``bits(_:)`` around zero.
    package subscript(_ place: Int) -> Float { Float(Int32(truncatingIfNeeded: bits(place)) - 1 << 23) * 0x1p-23 }

    /// Uniform in 0 ..< 2²⁴: the top bits of what a place has.
    package func bits(_ place: Int) -> UInt64 {
        Self.mixed(key &+ UInt64(truncatingIfNeeded: place) &* 0x9E37_79B9_7F4A_7C15) >> 40
    }

    /// Normal with mean 0 and variance 1, by Box and Muller's formula (1958) from two places of its own.
    package func normal(_ place: Int) -> Double {
        let radius = (-2 * log((1 - Double(self[2 * place])) / 2)).squareRoot()
        return radius * cos(.pi * Double(self[2 * place + 1]))
    }

    /// A key for what `name` draws, out of one that many share.
    package static func key(_ shared: UInt64, _ name: String) -> UInt64 { CounterRandom(seed: shared, name: name).key }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
