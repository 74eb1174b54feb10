/// What cuts a text into the pieces that are tokenized on their own.
struct PreTokenizer: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// Puts a blank before every piece that has none.
        case prefixSpace
        case pattern(WordPattern)
        /// Parts numbers from what is around them, each digit alone or in runs.
        case digits(individual: Bool)
        /// Takes every byte for the character that stands for it.
        case bytes
        /// Parts at white space, and sets punctuation alone.
        case bert
        case metaspace(Metaspace)
        case punctuation(Pieces.Behavior)
        case whitespace(Pieces.Behavior)
        /// Words, and runs of what is neither of words nor white space.
        case words
        case text([UInt8], Pieces.Behavior, isInverted: Bool)
        case threeDigits
    }

    var stages: [Stage] = []
    /// Whether the model sees bytes instead of characters.
    var isOfBytes = false

    /// Whether a stage asks where in the original text a piece begins.
    var needsOrigins: Bool {
        stages.contains { if case .metaspace(let part) = $0 { part.scheme == .first } else { false } }
    }

    private var hasPatterns: Bool {
        stages.contains { if case .pattern = $0 { true } else { false } }
    }

    func pieces(of text: AlignedText) -> Pieces {
        var pieces = Pieces(text, hasClasses: hasPatterns)
        for stage in stages {
            switch stage {
            case .prefixSpace: pieces.prefixSpaces()
            case .pattern(let pattern): pieces.cut(pattern.next)
            case .digits(let individual): pieces.split(individual ? .isolated : .contiguous) { $0.isNumeric }
            case .bytes: pieces.turnToBytes()
            case .bert:
                pieces.split(.removed) { $0.isWhitespace }
                pieces.split(.isolated) { $0.isPunctuation }
            case .metaspace(let metaspace): metaspace(&pieces)
            case .punctuation(let behavior): pieces.split(behavior) { $0.isPunctuation }
            case .whitespace(let behavior): pieces.split(behavior) { $0.isWhitespace }
            case .words: Self.cutWords(&pieces)
            case .text(let text, let behavior, let isInverted): Self.split(&pieces, at: text, behavior, isInverted)
            case .threeDigits: pieces.split(.isolated, Self.threeDigits)
            }
        }
        return pieces
    }

    private static func cutWords(_ pieces: inout Pieces) {
        pieces.split(.removed) { pieces, start, end in
            func kind(_ index: Int) -> Int {
                let scalar = pieces.scalar(at: index)
                return scalar.isWord ? 0 : scalar.isWhitespace ? 1 : 2
            }
            let first = kind(start)
            var place = start + 1
            while place < end, kind(place) == first { place += 1 }
            return (place, first == 1)
        }
    }

    private static func split(
        _ pieces: inout Pieces, at text: [UInt8], _ behavior: Pieces.Behavior, _ isInverted: Bool
    ) {
        pieces.split(behavior) { pieces, start, end in
            func matches(_ index: Int) -> Bool {
                let place = pieces.starts[index]
                return pieces.starts[end] - place >= text.count
                    && pieces.bytes[place..<place + text.count].elementsEqual(text)
            }
            if matches(start) {
                var place = start
                while pieces.starts[place] < pieces.starts[start] + text.count { place += 1 }
                return (place, !isInverted)
            }
            var place = start + 1
            while place < end, !matches(place) { place += 1 }
            return (place, isInverted)
        }
    }

    private static func threeDigits(_ pieces: Pieces, _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
        func matches(_ index: Int) -> Bool {
            index + 3 <= end && (index..<index + 3).allSatisfy { ("0"..."9").contains(pieces.scalar(at: $0)) }
        }
        if matches(start) { return (start + 3, true) }
        var place = start + 1
        while place < end, !matches(place) { place += 1 }
        return (place, false)
    }
}

/// Blanks as a visible sign, as SentencePiece writes them.
struct Metaspace: Hashable, Sendable {
    /// Which pieces get a sign in front that have none.
    enum Scheme: String, Hashable, Sendable {
        case always, first, never
    }

    var sign: [UInt8] = Array("▁".utf8)
    var scheme = Scheme.always
    /// Whether every sign begins a piece.
    var splits = true

    func callAsFunction(_ pieces: inout Pieces) {
        pieces.markSpaces(sign, scheme)
        guard splits, let sign = String(decoding: sign, as: UTF8.self).unicodeScalars.first else { return }
        pieces.cut { pieces, start, end in
            var place = start + 1
            while place < end, pieces.scalar(at: place) != sign { place += 1 }
            return place
        }
    }
}
