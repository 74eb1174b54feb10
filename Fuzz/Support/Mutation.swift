import CFuzzer

/// Numbers that follow from the seed libFuzzer gives.
package struct Dice: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt32) {
        state = UInt64(seed) | 1 << 40
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Below `bound`, which is at least 1.
    package mutating func roll(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

/// Replaces what libFuzzer holds at `data` by what `change` makes of it; returns the new size.
package func mutate(
    _ data: UnsafeMutablePointer<UInt8>?, _ size: Int, _ maxSize: Int, _ seed: UInt32,
    _ change: ([UInt8], inout Dice) -> [UInt8]
) -> Int {
    guard let data = unsafe data else { return 0 }
    var dice = Dice(seed)
    let result = unsafe change(Array(UnsafeBufferPointer(start: data, count: size)), &dice).prefix(maxSize)
    for (place, byte) in result.enumerated() { unsafe data[place] = byte }
    return result.count
}

/// `bytes` after one of libFuzzer's own mutations, at most `growth` bytes longer.
package func plainlyMutated(_ bytes: [UInt8], growth: Int = 64) -> [UInt8] {
    var room = bytes + [UInt8](repeating: 0, count: growth)
    let size = unsafe LLVMFuzzerMutate(&room, bytes.count, room.count)
    return Array(room.prefix(size))
}
