/// A text with the class of each character, cut into pieces that never share a token.
struct Pieces: Sendable {
    /// The text's UTF-8.
    let bytes: [UInt8]
    let classes: [CharacterClass]
    /// Where each character begins in `bytes`, and where the last one ends.
    let starts: [Int]
    /// Where each piece ends, counted in characters. No piece is empty.
    private(set) var ends: [Int]

    /// One piece of all; none of an empty text.
    ///
    /// - Parameter bytes: Valid UTF-8.
    init(_ bytes: [UInt8]) {
        self.init(bytes) { $0.isEmpty ? [] : [$0.count] }
    }

    private init(_ bytes: [UInt8], cut: ([CharacterClass]) -> [Int]) {
        var classes: [CharacterClass] = []
        var starts: [Int] = []
        classes.reserveCapacity(bytes.count)
        starts.reserveCapacity(bytes.count + 1)
        let span = bytes.span
        var place = 0
        while place < span.count {
            let (scalar, length) = span.scalar(at: place)
            classes.append(CharacterClass.of(scalar))
            starts.append(place)
            place += length
        }
        starts.append(place)
        self.bytes = bytes
        ends = cut(classes)
        self.classes = classes
        self.starts = starts
    }

    /// Cuts every piece on its own.
    ///
    /// - Parameter next: Where the part that begins at a character ends, given where the piece ends; later than it begins.
    mutating func cut(_ next: (_ pieces: Pieces, _ start: Int, _ end: Int) -> Int) {
        var cuts: [Int] = []
        cuts.reserveCapacity(classes.count / 3 + ends.count)
        var place = 0
        for end in ends {
            while place < end {
                place = next(self, place, end)
                cuts.append(place)
            }
        }
        ends = cuts
    }

    /// The same pieces, each with a blank in front unless it begins with one.
    func withPrefixSpaces() -> Pieces {
        var text: [UInt8] = []
        var moved: [Int] = []
        text.reserveCapacity(bytes.count + ends.count)
        var place = 0
        var added = 0
        for end in ends {
            if bytes[starts[place]] != UInt8(ascii: " ") {
                text.append(UInt8(ascii: " "))
                added += 1
            }
            text += bytes[starts[place]..<starts[end]]
            moved.append(end + added)
            place = end
        }
        return Pieces(text) { _ in moved }
    }

    func scalar(at index: Int) -> Unicode.Scalar {
        bytes.span.scalar(at: starts[index]).scalar
    }
}
