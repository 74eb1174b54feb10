import Files

/// A generator whose sequence its seed decides (SplitMix64), for tests whose failures can be had again.
package struct RepeatableRandom: RandomNumberGenerator, Sendable {
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// With the seed of the variable `TENON_SEED`, or a new one; says which, so that a failure can be repeated.
    package init(printingSeedFor test: String) {
        let given = Syscalls.environment("TENON_SEED").flatMap { UInt64($0) }
        self.init(seed: given ?? .random(in: .min ... .max))
        print("\(test): TENON_SEED=\(seed)")
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }
}
