/// A text on its way to tokens, and for each of its bytes the part of the original text that it came of.
struct AlignedText: Sendable {
    /// A part of the original text, counted in bytes.
    struct Origin: Hashable, Sendable {
        var start: Int32
        var end: Int32
    }

    fileprivate(set) var bytes: [UInt8]
    /// One for each byte; none where nobody asks for offsets.
    fileprivate(set) var origins: [Origin] = []
    let isTracked: Bool

    /// A part of the original text as it is.
    ///
    /// - Parameters:
    ///   - bytes: Valid UTF-8.
    ///   - start: Where it begins in the original text.
    init(_ bytes: ArraySlice<UInt8>, isTracked: Bool) {
        self.bytes = Array(bytes)
        self.isTracked = isTracked
        guard isTracked else { return }
        origins.reserveCapacity(bytes.count)
        let own = self.bytes
        let span = own.span
        var place = 0
        while place < span.count {
            let length = span.scalar(at: place).length
            let start = Int32(truncatingIfNeeded: bytes.startIndex + place)
            for _ in 0..<length { origins.append(Origin(start: start, end: start + Int32(length))) }
            place += length
        }
    }

    /// An empty text, to append to.
    init(capacity: Int, isTracked: Bool) {
        bytes = []
        self.isTracked = isTracked
        bytes.reserveCapacity(capacity)
        if isTracked { origins.reserveCapacity(capacity) }
    }

    private init(_ bytes: [UInt8], _ origins: [Origin], isTracked: Bool) {
        self.bytes = bytes
        self.origins = origins
        self.isTracked = isTracked
    }

    /// A part of this text, between two characters.
    func part(_ range: Range<Int>) -> AlignedText {
        if range.count == bytes.count { return self }
        return AlignedText(Array(bytes[range]), isTracked ? Array(origins[range]) : [], isTracked: isTracked)
    }

    /// What of the original text a part of this one came of.
    func origin(of range: Range<Int>) -> Origin {
        guard range.upperBound <= origins.count, let last = origins[range].last else {
            let start = range.lowerBound < origins.count ? origins[range.lowerBound].start : origins.last?.end ?? 0
            return Origin(start: start, end: start)
        }
        return Origin(start: origins[range.lowerBound].start, end: last.end)
    }

    mutating func append(_ text: AlignedText, _ range: Range<Int>) {
        bytes += text.bytes[range]
        if isTracked { origins += text.origins[range] }
    }

    /// Appends what is not in the source, in place of the character at `place`.
    mutating func append(_ content: [UInt8], of text: AlignedText, at place: Int) {
        bytes += content
        if isTracked { origins += repeatElement(text.origins[place], count: content.count) }
    }

    func forEachScalar(_ body: (Unicode.Scalar) -> Void) {
        let span = bytes.span
        var place = 0
        while place < span.count {
            let (scalar, length) = span.scalar(at: place)
            body(scalar)
            place += length
        }
    }

    /// Replaces the text by what `body` puts.
    mutating func rewrite(_ body: (AlignedText, inout Rewrite) -> Void) {
        var output = Rewrite(of: self)
        body(self, &output)
        output.flush()
        bytes = output.bytes
        origins = output.origins
    }

    /// Leaves out characters.
    mutating func filter(_ isKept: (Unicode.Scalar) -> Bool) {
        rewrite { text, output in text.forEachScalar { if isKept($0) { output.put($0, 0) } else { output.drop() } } }
    }

    mutating func map(_ change: (Unicode.Scalar) -> Unicode.Scalar) {
        rewrite { text, output in text.forEachScalar { output.put(change($0), 0) } }
    }

    /// Changes bytes of ASCII, or leaves them out; only where nobody asks for offsets.
    mutating func changeBytes(_ change: (UInt8) -> UInt8?) {
        var kept = 0
        for index in bytes.indices {
            if let byte = change(bytes[index]) {
                bytes[kept] = byte
                kept += 1
            }
        }
        bytes.removeLast(bytes.count - kept)
    }

    /// Puts a text in front of one that is not empty; what was put belongs to the first character.
    mutating func prepend(_ prefix: [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes.insert(contentsOf: prefix, at: 0)
        if let first = origins.first { origins.insert(contentsOf: repeatElement(first, count: prefix.count), at: 0) }
    }

    /// Puts another text in place of every match, which belongs to the last character of the match.
    mutating func replace(_ pattern: BytePattern, with content: [UInt8]) {
        let matches = pattern.matches(in: bytes.span)
        if matches.isEmpty { return }
        var text: [UInt8] = []
        var moved: [Origin] = []
        text.reserveCapacity(bytes.count)
        var done = 0
        for match in matches {
            text += bytes[done..<match.lowerBound]
            text += content
            if isTracked {
                moved += origins[done..<match.lowerBound]
                moved += repeatElement(origins[match.upperBound - 1], count: content.count)
            }
            done = match.upperBound
        }
        bytes = text + bytes[done...]
        if isTracked { origins = moved + origins[done...] }
    }

    /// Keeps what lies between two places.
    mutating func keep(_ range: Range<Int>) {
        if range.count == bytes.count { return }
        bytes = Array(bytes[range])
        if isTracked { origins = Array(origins[range]) }
    }
}

/// A text as it is written anew, character by character.
struct Rewrite {
    fileprivate var bytes: [UInt8] = []
    fileprivate var origins: [AlignedText.Origin] = []
    private let source: [UInt8]
    private let sourceOrigins: [AlignedText.Origin]
    private let isTracked: Bool
    /// How far the source was used up.
    private var place = 0
    private var last: (scalar: Unicode.Scalar, change: Int)?

    fileprivate init(of text: AlignedText) {
        isTracked = text.isTracked
        source = isTracked ? text.bytes : []
        sourceOrigins = text.origins
        bytes.reserveCapacity(text.bytes.count + 8)
        if isTracked { origins.reserveCapacity(text.bytes.count + 8) }
    }

    /// Appends a character.
    ///
    /// - Parameter change: 0 where it stands for one character of the source, 1 where it is added to the one before, −n where
    ///   it stands for one and n more.
    mutating func put(_ scalar: Unicode.Scalar, _ change: Int) {
        guard isTracked else { return append(scalar) }
        flush()
        last = (scalar, change)
    }

    /// Leaves out the next character of the source.
    mutating func drop() {
        guard isTracked else { return }
        if last == nil { skip() } else { last?.change -= 1 }
    }

    /// Lets the character that was put last stand for so many more of the source, or for fewer.
    mutating func changeLast(by change: Int) { last?.change += change }

    fileprivate mutating func flush() {
        guard let (scalar, change) = last else { return }
        last = nil
        let count = bytes.count
        append(scalar)
        let index = change > 0 ? place - 1 : min(place, sourceOrigins.count - 1)
        let begin = sourceOrigins.first?.start ?? 0
        let origin = index < 0 ? AlignedText.Origin(start: begin, end: begin) : sourceOrigins[index]
        for _ in count..<bytes.count { origins.append(origin) }
        if change <= 0 { for _ in 0...(-change) { skip() } }
    }

    private mutating func skip() {
        if place < source.count { place += source.span.scalar(at: place).length }
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
            bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
        }
    }
}
