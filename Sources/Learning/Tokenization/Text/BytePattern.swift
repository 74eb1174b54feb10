/// What `Replace` and `Split` look for: a text, or one of the few regular expressions that are written out by hand.
enum BytePattern: Hashable, Sendable {
    /// Not empty.
    case text([UInt8])
    /// `X{2,}`: two or more of one byte.
    case run(of: UInt8)

    /// Where it matches, from left to right, none overlapping another.
    func matches(in text: Span<UInt8>) -> [Range<Int>] {
        var matches: [Range<Int>] = []
        var place = 0
        while place < text.count {
            if let end = end(in: text, at: place) {
                matches.append(place..<end)
                place = end
            } else {
                place += 1
            }
        }
        return matches
    }

    private func end(in text: Span<UInt8>, at place: Int) -> Int? {
        switch self {
        case .text(let wanted):
            guard text.count - place >= wanted.count else { return nil }
            for (offset, byte) in wanted.enumerated() where text[place + offset] != byte { return nil }
            return place + wanted.count
        case .run(let byte):
            var end = place
            while end < text.count, text[end] == byte { end += 1 }
            return end - place > 1 ? end : nil
        }
    }
}
