/// Strings of bytes, each with a number in the order in which they came, and found again by a hash.
///
/// The hash has a seed of its own in every table, so that no file can bring about collisions.
struct ByteStringTable: Sendable {
    private(set) var count = 0
    private var bytes: [UInt8] = []
    /// Where each string ends in `bytes`.
    private var ends: [Int] = []
    /// The number of the string in each slot, −1 for none. A power of two, at most half of them taken.
    private var slots: [Int32]
    private let seed: UInt64

    init(minimumCapacity: Int = 16) {
        slots = [Int32](repeating: -1, count: Self.slotCount(minimumCapacity))
        seed = UInt64.random(in: .min ... .max)
        ends.reserveCapacity(minimumCapacity)
    }

    /// The number of the string that equals `key`.
    func index(of key: Span<UInt8>) -> Int? {
        let found = slots[slot(of: key)]
        return found < 0 ? nil : Int(found)
    }

    /// Adds `key` unless it is there, and gives its number.
    @discardableResult
    mutating func insert(_ key: Span<UInt8>) -> (index: Int, isNew: Bool) {
        var place = slot(of: key)
        if slots[place] >= 0 { return (Int(slots[place]), false) }
        if 2 * (count + 1) > slots.count {
            grow()
            place = slot(of: key)
        }
        slots[place] = Int32(count)
        for index in key.indices { bytes.append(key[index]) }
        ends.append(bytes.count)
        count += 1
        return (count - 1, true)
    }

    mutating func removeAll() {
        count = 0
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        for index in slots.indices { slots[index] = -1 }
    }

    /// The bytes of a string by its number.
    subscript(_ index: Int) -> ArraySlice<UInt8> { bytes[range(index)] }

    func withString(_ index: Int, _ body: (Span<UInt8>) -> Void) { body(bytes.span.extracting(range(index))) }

    private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// The slot that holds `key`, or the empty one where it belongs.
    private func slot(of key: Span<UInt8>) -> Int {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash(key)) & mask
        while slots[place] >= 0, !isEqual(Int(slots[place]), key) { place = (place + 1) & mask }
        return place
    }

    private func isEqual(_ index: Int, _ key: Span<UInt8>) -> Bool {
        let range = range(index)
        guard range.count == key.count else { return false }
        for offset in key.indices where bytes[range.lowerBound + offset] != key[offset] { return false }
        return true
    }

    /// Both halves of a product of 128 bits for every eight bytes, folded.
    private func hash(_ key: Span<UInt8>) -> UInt64 {
        var hash = seed ^ UInt64(key.count)
        var place = 0
        while place < key.count {
            var word: UInt64 = 0
            let end = min(place + 8, key.count)
            for index in place..<end { word = word << 8 | UInt64(key[index]) }
            hash = folded(hash ^ word, 0x9E37_79B9_7F4A_7C15)
            place = end
        }
        return folded(hash, seed | 1)
    }

    private mutating func grow() {
        var larger = [Int32](repeating: -1, count: 2 * slots.count)
        let mask = larger.count - 1
        for index in 0..<count {
            var place = Int(truncatingIfNeeded: hash(bytes.span.extracting(range(index)))) & mask
            while larger[place] >= 0 { place = (place + 1) & mask }
            larger[place] = Int32(index)
        }
        slots = larger
    }

    private static func slotCount(_ capacity: Int) -> Int {
        var count = 16
        while count < 2 * capacity { count *= 2 }
        return count
    }
}

/// The exclusive or of both halves of the product.
func folded(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}
