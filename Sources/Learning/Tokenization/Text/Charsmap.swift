/// A table of replacements as SentencePiece compiles it: a double array of what is replaced, and all replacements in a row,
/// each ended by a zero byte.
struct Charsmap: Hashable, Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// What each character of ASCII on its own is replaced by.
    private var plain: [Range<Int>?] = []

    /// Nil where the bytes are not such a table.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else { return nil }
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        let count = Int(word(0)) / 4
        guard count > 0, count <= (bytes.count - 4) / 4 else { return nil }
        units = (0..<count).map { word(4 + 4 * $0) }
        replacements = Array(bytes[(4 + 4 * count)...])
        guard String(validating: replacements, as: UTF8.self) != nil else { return nil }
        plain = (0..<0x80).map { (byte: UInt8) in replacement(for: [byte].span) }
    }

    /// Puts its replacement in place of every cluster of characters that has one, else of each of its characters.
    ///
    /// As elsewhere, a cluster of at most five bytes is replaced whole where the table has its beginning.
    func callAsFunction(_ text: inout AlignedText) {
        if text.bytes.allSatisfy({ $0 < 0x80 && $0 != 0x0D && plain[Int($0)] == nil }) { return }
        text.rewrite { text, output in
            let span = text.bytes.span
            var place = 0
            let whole = String(decoding: text.bytes, as: UTF8.self)
            while place < span.count {
                var end = place + 1
                // A character of ASCII before another one is a cluster on its own.
                if span[place] >= 0x80 || span[place] == 0x0D || end < span.count && span[end] >= 0x80 {
                    let index = whole.utf8.index(whole.startIndex, offsetBy: place)
                    end = place + whole.utf8.distance(from: index, to: whole.index(after: index))
                }
                replaceCluster(span.extracting(place..<end), &output)
                place = end
            }
        }
    }

    private func replaceCluster(_ cluster: Span<UInt8>, _ output: inout Rewrite) {
        if cluster.count < 6, let found = replacement(for: cluster) {
            return put(found, for: cluster.characterCount, &output)
        }
        var place = 0
        while place < cluster.count {
            let (scalar, length) = cluster.scalar(at: place)
            if let found = replacement(for: cluster.extracting(place..<place + length)) {
                put(found, for: 1, &output)
            } else {
                output.put(scalar, 0)
            }
            place += length
        }
    }

    private func put(_ range: Range<Int>, for count: Int, _ output: inout Rewrite) {
        let new = replacements.span.extracting(range)
        let added = new.characterCount - count
        var place = 0
        var index = 0
        while place < new.count {
            let (scalar, length) = new.scalar(at: place)
            output.put(scalar, index >= new.characterCount - max(0, added) ? 1 : 0)
            place += length
            index += 1
        }
        if added < 0 { output.changeLast(by: added) }
    }

    /// The replacement of the shortest beginning of `key` that the table has.
    private func replacement(for key: Span<UInt8>) -> Range<Int>? {
        if key.count == 1, !plain.isEmpty { return plain[Int(key[0])] }
        var place = offset(units[0])
        for index in key.indices {
            let byte = UInt32(key[index])
            if byte == 0 { return nil }
            place ^= byte
            guard place < units.count, case let unit = units[Int(place)], unit & 0x8000_00FF == byte else { return nil }
            place ^= offset(unit)
            if unit >> 8 & 1 == 1 {
                guard place < units.count, case let start = Int(units[Int(place)] & 0x7FFF_FFFF),
                    start <= replacements.count,
                    start == replacements.count || replacements[start] & 0xC0 != 0x80
                else { return nil }
                return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
            }
        }
        return nil
    }

    private func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & 1 << 9) >> 6) }
}

extension Span<UInt8> {
    /// How many characters valid UTF-8 has.
    fileprivate var characterCount: Int {
        var count = 0
        for index in indices where self[index] & 0xC0 != 0x80 { count += 1 }
        return count
    }
}
