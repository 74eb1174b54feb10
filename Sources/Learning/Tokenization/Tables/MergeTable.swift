/// Which pairs of tokens may be joined, in which order, and to what.
struct MergeTable: Sendable {
    /// The token that the merge of each rank gives.
    private(set) var results: [Int32] = []
    /// The pair in each slot, `empty` for none. A power of two, at most half of them taken.
    private var pairs: [UInt64]
    private var ranks: [Int32]
    private var taken = 0
    private let seed = UInt64.random(in: .min ... .max)

    private static let empty = UInt64.max

    init(minimumCapacity: Int = 16) {
        var count = 16
        while count < 2 * minimumCapacity { count *= 2 }
        pairs = [UInt64](repeating: Self.empty, count: count)
        ranks = [Int32](repeating: 0, count: count)
        results.reserveCapacity(minimumCapacity)
    }

    /// Adds the merge of the next rank; of two merges of one pair the later counts.
    mutating func append(_ left: Int32, _ right: Int32, result: Int32) {
        if 2 * (taken + 1) > pairs.count { grow() }
        let key = Self.key(left, right)
        let place = slot(of: key)
        if pairs[place] == Self.empty { taken += 1 }
        pairs[place] = key
        ranks[place] = Int32(results.count)
        results.append(result)
    }

    /// The rank of the merge of two tokens, the lowest first; −1 where they cannot be joined.
    func rank(_ left: Int32, _ right: Int32) -> Int32 {
        let key = Self.key(left, right)
        let place = slot(of: key)
        return pairs[place] == key ? ranks[place] : -1
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private func slot(of key: UInt64) -> Int {
        let mask = pairs.count - 1
        var place = Int(truncatingIfNeeded: folded(key ^ seed, 0x9E37_79B9_7F4A_7C15)) & mask
        while pairs[place] != Self.empty, pairs[place] != key { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        let old = (pairs, ranks)
        pairs = [UInt64](repeating: Self.empty, count: 2 * old.0.count)
        ranks = [Int32](repeating: 0, count: 2 * old.0.count)
        for (key, rank) in zip(old.0, old.1) where key != Self.empty {
            let place = slot(of: key)
            pairs[place] = key
            ranks[place] = rank
        }
    }
}
