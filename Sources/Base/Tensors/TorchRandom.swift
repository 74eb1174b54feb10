/// The numbers that PyTorch's CPU generator draws: a Mersenne twister of 32 bits (Matsumoto and Nishimura, 1998) and what
/// torch makes of its words. For methods that store a seed in place of what was drawn from it.
package struct TorchRandom: Sendable {
    private var state: [UInt32]
    private var next = 624

    /// As `torch.Generator().manual_seed(seed)`: only the low 32 bits count.
    package init(seed: Int) {
        state = [UInt32](repeating: 0, count: 624)
        state[0] = UInt32(truncatingIfNeeded: seed)
        for index in 1..<624 {
            let last = state[index - 1]
            state[index] = 1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index)
        }
    }

    /// The next word of 32 bits.
    package mutating func word() -> UInt32 {
        if next == 624 { refill() }
        var value = state[next]
        next += 1
        value ^= value >> 11
        value ^= value << 7 & 0x9D2C_5680
        value ^= value << 15 & 0xEFC6_0000
        return value ^ value >> 18
    }

    private mutating func refill() {
        for index in 0..<624 {
            let mixed = state[index] & 0x8000_0000 | state[(index + 1) % 624] & 0x7FFF_FFFF
            state[index] = state[(index + 397) % 624] ^ mixed >> 1 ^ (mixed & 1 == 0 ? 0 : 0x9908_B0DF)
        }
        next = 0
    }

    /// As `tensor.uniform_(lower, upper)` of fp32: 24 bits of a word, scaled and shifted in one fused operation; what
    /// rounds to the upper bound becomes the lower.
    package mutating func uniform(_ lower: Double, _ upper: Double) -> Float {
        let value = unrounded(Float(lower), Float(upper))
        return value >= Float(upper) ? Float(lower) : value
    }

    /// As `tensor.uniform_(lower, upper)` of bf16: computed in fp32 and rounded.
    package mutating func uniformBFloat16(_ lower: Double, _ upper: Double) -> Float {
        let value = unrounded(Float(lower), Float(upper)).roundedToBFloat16
        return value >= Float(upper).roundedToBFloat16 ? Float(lower).roundedToBFloat16 : value
    }

    private mutating func unrounded(_ lower: Float, _ upper: Float) -> Float {
        lower.addingProduct(Float(word() & 0xFF_FFFF) * 0x1p-24, upper - lower)
    }

    /// The longest permutation of which ``permutationPrefix(_:of:)`` can know the beginning without making the rest.
    package static let longestPermutation = Int(UInt32.max) / 20 - 1

    /// The first `count` numbers of `torch.randperm(n)`; n is at most ``longestPermutation``, above which torch draws
    /// otherwise.
    ///
    /// Fisher and Yates' shuffle, of which only the places that were touched are kept.
    package mutating func permutationPrefix(_ count: Int, of n: Int) -> [Int] {
        precondition(count <= n && n <= Self.longestPermutation)
        var moved: [Int: Int] = [:]
        var result: [Int] = []
        result.reserveCapacity(count)
        for index in 0..<count {
            // The last place has nothing to be exchanged with, and torch draws nothing for it.
            let other = index == n - 1 ? index : index + Int(word()) % (n - index)
            result.append(moved[other] ?? other)
            moved[other] = moved[index] ?? index
        }
        return result
    }
}

extension Float {
    /// The nearest number of bf16, ties to even.
    package var roundedToBFloat16: Float {
        guard isFinite else { return self }
        let odd = bitPattern >> 16 & 1
        return Float(bitPattern: (bitPattern + 0x7FFF + odd) & 0xFFFF_0000)
    }
}
