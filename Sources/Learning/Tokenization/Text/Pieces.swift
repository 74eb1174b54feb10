/// A text cut into pieces that never share a token.
struct Pieces: Sendable {
    private(set) var text: AlignedText
    /// The text's UTF-8.
    private(set) var bytes: [UInt8]
    /// The class of each character; none where no pattern asks for them.
    private(set) var classes: [CharacterClass] = []
    /// Where each character begins in `bytes`, and where the last one ends.
    private(set) var starts: [Int] = []
    /// The pieces in their order, counted in characters. None is empty.
    private(set) var ranges: [Range<Int>]
    /// Whether every byte counts as the character that stands for it in a byte-level vocabulary.
    private(set) var isOfBytes = false

    /// What becomes of that which a text is parted at.
    enum Behavior: String, Hashable, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    /// A part of a piece that ends at a character, and whether it is one of those that are looked for.
    struct Segment {
        var range: Range<Int>
        var isMatch: Bool
    }

    /// One piece of all; none of an empty text.
    init(_ text: AlignedText, hasClasses: Bool) {
        self.text = text
        bytes = text.bytes
        ranges = []
        index(hasClasses: hasClasses)
        if !bytes.isEmpty { ranges = [0..<starts.count - 1] }
    }

    private mutating func index(hasClasses: Bool) {
        classes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        if hasClasses { classes.reserveCapacity(bytes.count) }
        starts.reserveCapacity(bytes.count + 1)
        let text = bytes
        let span = text.span
        var place = 0
        while place < span.count {
            let (scalar, length) = isOfBytes ? (ByteAlphabet.scalars[Int(span[place])], 1) : span.scalar(at: place)
            if hasClasses { classes.append(CharacterClass.of(scalar)) }
            starts.append(place)
            place += length
        }
        starts.append(place)
    }

    /// The bytes of a piece.
    func place(of range: Range<Int>) -> Range<Int> { starts[range.lowerBound]..<starts[range.upperBound] }

    func scalar(at index: Int) -> Unicode.Scalar {
        isOfBytes ? ByteAlphabet.scalars[Int(bytes[index])] : bytes.span.scalar(at: starts[index]).scalar
    }

    // MARK: Cutting

    /// Cuts every piece on its own.
    ///
    /// - Parameter next: Where the part that begins at a character ends, given where the piece ends; later than it begins.
    mutating func cut(_ next: (_ pieces: Pieces, _ start: Int, _ end: Int) -> Int) {
        var cuts: [Range<Int>] = []
        cuts.reserveCapacity(bytes.count / 3 + ranges.count)
        for range in ranges {
            var place = range.lowerBound
            while place < range.upperBound {
                let end = next(self, place, range.upperBound)
                cuts.append(place..<end)
                place = end
            }
        }
        ranges = cuts
    }

    /// Parts every piece at the characters that are looked for.
    mutating func split(_ behavior: Behavior, at isMatch: (Unicode.Scalar) -> Bool) {
        split(behavior) { pieces, start, end in
            if isMatch(pieces.scalar(at: start)) { return (start + 1, true) }
            var place = start + 1
            while place < end, !isMatch(pieces.scalar(at: place)) { place += 1 }
            return (place, false)
        }
    }

    /// Parts every piece at what is looked for.
    ///
    /// - Parameter next: Where the match that begins at a character ends, or where the next one begins.
    mutating func split(
        _ behavior: Behavior, _ next: (_ pieces: Pieces, _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool)
    ) {
        var cuts: [Range<Int>] = []
        cuts.reserveCapacity(ranges.count)
        for range in ranges {
            var place = range.lowerBound
            var isAfterMatch = false
            let first = cuts.count
            while place < range.upperBound {
                let (end, isMatch) = next(self, place, range.upperBound)
                let extends =
                    switch behavior {
                    case .removed, .isolated: false
                    case .contiguous: isMatch == isAfterMatch
                    case .mergedWithPrevious: isMatch && !isAfterMatch
                    case .mergedWithNext: isAfterMatch && !isMatch
                    }
                if extends, cuts.count > first {
                    cuts[cuts.count - 1] = cuts[cuts.count - 1].lowerBound..<end
                } else if !(behavior == .removed && isMatch) {
                    cuts.append(place..<end)
                }
                isAfterMatch = isMatch
                place = end
            }
        }
        ranges = cuts
    }

    // MARK: Changing

    /// The same pieces, each with a blank in front unless it begins with one.
    mutating func prefixSpaces() {
        change { pieces, place, changed in
            if pieces.bytes[place.lowerBound] != UInt8(ascii: " ") {
                changed.append([UInt8(ascii: " ")], of: pieces.text, at: place.lowerBound)
            }
            changed.append(pieces.text, place)
        }
    }

    /// Puts a sign in place of every blank, and before pieces as `scheme` says.
    mutating func markSpaces(_ sign: [UInt8], _ scheme: Metaspace.Scheme) {
        change { pieces, place, changed in
            let start = place.lowerBound
            let hasSign =
                pieces.bytes[start] == UInt8(ascii: " ") || pieces.bytes[start..<place.upperBound].starts(with: sign)
            let isFirst =
                scheme == .first && pieces.text.isTracked && pieces.text.origin(of: start..<start + 1).start == 0
            if !hasSign, scheme == .always || isFirst { changed.append(sign, of: pieces.text, at: start) }
            var done = start
            for index in place where pieces.bytes[index] == UInt8(ascii: " ") {
                changed.append(pieces.text, done..<index)
                changed.append(sign, of: pieces.text, at: index)
                done = index + 1
            }
            changed.append(pieces.text, done..<place.upperBound)
        }
    }

    /// Writes every piece anew; none becomes empty.
    private mutating func change(_ body: (Pieces, Range<Int>, inout AlignedText) -> Void) {
        var changed = AlignedText(capacity: bytes.count + bytes.count / 4 + ranges.count, isTracked: text.isTracked)
        var ends: [Int] = []
        ends.reserveCapacity(ranges.count)
        for range in ranges {
            body(self, place(of: range), &changed)
            ends.append(changed.bytes.count)
        }
        text = changed
        bytes = changed.bytes
        index(hasClasses: !classes.isEmpty)
        setRanges(endingAt: ends)
    }

    /// Pieces without gaps, given where in the bytes each ends.
    private mutating func setRanges(endingAt ends: [Int]) {
        var character = 0
        ranges.removeAll(keepingCapacity: true)
        for end in ends {
            let first = character
            while starts[character] < end { character += 1 }
            ranges.append(first..<character)
        }
    }

    /// From here on every byte is a character.
    mutating func turnToBytes() {
        let places = ranges.map(place)
        isOfBytes = true
        index(hasClasses: !classes.isEmpty)
        ranges = places
    }
}
