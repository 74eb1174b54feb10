/// The regular expressions that byte-level tokenizers cut text with, written out by hand.
///
/// Where every character of a text belongs to exactly one match, it makes no difference whether a file asks for the matches
/// or for what lies between them.
enum WordPattern: Hashable, Sendable {
    /// GPT-2's: words, numbers and the rest, each with the blank before it.
    case gpt2
    /// GPT-4's, which LLaMA 3 and Qwen 2 took over: words with whatever stands before them, numbers of at most so many
    /// digits, line ends together.
    case gpt4(digits: Int)
    /// GPT-4o's, which parts words where small letters end.
    case gpt4o
    /// DeepSeek's three: numbers, ideographs with kana, and the rest, in this order.
    case numbers, kana, deepSeek

    /// The pattern of a text, nil for one that is not known here.
    init?(regex: String) {
        let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        let word = #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#
        let rest = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        let possessiveWord = #"|[^\r\n\p{L}\p{N}]?+\p{L}+|"#
        let possessiveRest = #"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
        // Line ends may stand in a file as they are.
        let regex = String(regex.unicodeScalars.flatMap { $0 == "\n" ? "\\n" : $0 == "\r" ? "\\r" : String($0) })
        let small = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
        let capital = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
        let before = #"[^\r\n\p{L}\p{N}]?"#
        switch regex {
        case #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: self = .gpt2
        case contractions + word + #"\p{N}{1,3}"# + rest: self = .gpt4(digits: 3)
        case contractions + word + #"\p{N}"# + rest: self = .gpt4(digits: 1)
        case contractions + possessiveWord + #"\p{N}{1,3}"# + possessiveRest,
            "'(?i:[sdmt]|ll|ve|re)" + possessiveWord + #"\p{N}{1,3}"# + possessiveRest:
            self = .gpt4(digits: 3)
        case before + capital + "*" + small + "+" + contractions + "?|" + before + capital + "+" + small + "*"
            + contractions
            + #"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            self = .gpt4o
        case #"\p{N}{1,3}"#: self = .numbers
        case "[一-龥\u{3040}-ゟ゠-ヿ]+": self = .kana
        case ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
            + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            self = .deepSeek
        default: return nil
        }
    }

    /// Whether every character belongs to a match.
    var matchesAll: Bool {
        switch self {
        case .gpt2, .gpt4, .gpt4o: true
        case .numbers, .kana, .deepSeek: false
        }
    }

    /// Where the match that begins at the character `start` ends, in a piece that ends at `end`.
    func next(_ pieces: Pieces, _ start: Int, _ end: Int) -> Int {
        switch self {
        case .gpt2: Self.nextOfGPT2(pieces, start, end)
        case .gpt4(let digits): Self.nextOfGPT4(pieces, start, end, digits: digits)
        case .gpt4o: Self.nextOfGPT4o(pieces, start, end)
        case .numbers: Self.nextOfNumbers(pieces, start, end)
        case .kana: Self.nextOfKana(pieces, start, end)
        case .deepSeek: Self.nextOfDeepSeek(pieces, start, end)
        }
    }

    private static func nextOfGPT2(_ pieces: Pieces, _ start: Int, _ end: Int) -> Int {
        if let end = pieces.endOfContraction(start, end, ignoringCase: false) { return end }
        let first = pieces.afterBlank(start, end)
        let kind = pieces.classes[first]
        return kind.isWhitespace ? pieces.endOfWhitespace(start, end) : pieces.endOfRun(of: kind, first, end)
    }

    private static func nextOfGPT4(_ pieces: Pieces, _ start: Int, _ end: Int, digits: Int) -> Int {
        if let end = pieces.endOfContraction(start, end, ignoringCase: true) { return end }
        let kind = pieces.classes[start]
        if kind == .letter { return pieces.endOfRun(of: .letter, start, end) }
        if kind == .number { return pieces.endOfRun(of: .number, start, min(end, start + digits)) }
        if kind != .newline, start + 1 < end, pieces.classes[start + 1] == .letter {
            return pieces.endOfRun(of: .letter, start + 1, end)
        }
        let first = pieces.afterBlank(start, end)
        if pieces.classes[first] == .other {
            return pieces.endOfRun(of: .newline, pieces.endOfRun(of: .other, first, end), end)
        }
        return pieces.lastNewline(start, end).map { $0 + 1 } ?? pieces.endOfWhitespace(start, end)
    }
}

extension Pieces {
    /// `start`, or the place after it where a blank stands there that does not end the piece.
    func afterBlank(_ start: Int, _ end: Int) -> Int {
        start + 1 < end && bytes[starts[start]] == UInt8(ascii: " ") ? start + 1 : start
    }

    func endOfRun(of kind: CharacterClass, _ start: Int, _ end: Int) -> Int {
        var place = start
        while place < end, classes[place] == kind { place += 1 }
        return place
    }

    private func endOfWhitespaceRun(_ start: Int, _ end: Int) -> Int {
        var place = start
        while place < end, classes[place].isWhitespace { place += 1 }
        return place
    }

    /// What `\s+(?!\S)|\s+` matches: white space without its last character, which belongs to the word that follows,
    /// unless none follows or there is no other.
    func endOfWhitespace(_ start: Int, _ end: Int) -> Int {
        let run = endOfWhitespaceRun(start, end)
        return run == end || run == start + 1 ? run : run - 1
    }

    /// The last line end of the white space that begins at `start`.
    func lastNewline(_ start: Int, _ end: Int) -> Int? {
        classes[start..<endOfWhitespaceRun(start, end)].lastIndex(of: .newline)
    }

    /// The end of an English contraction that begins at `start`: 's, 't, 're, 've, 'm, 'll or 'd.
    func endOfContraction(_ start: Int, _ end: Int, ignoringCase: Bool) -> Int? {
        guard start + 1 < end, bytes[starts[start]] == UInt8(ascii: "'") else { return nil }
        switch letter(start + 1, end, ignoringCase) {
        case "s", "t", "m", "d": return start + 2
        case "r" where letter(start + 2, end, ignoringCase) == "e": return start + 3
        case "v" where letter(start + 2, end, ignoringCase) == "e": return start + 3
        case "l" where letter(start + 2, end, ignoringCase) == "l": return start + 3
        default: return nil
        }
    }

    /// The character at `index`, a lower-case ASCII letter where it folds to one; nil at the end.
    private func letter(_ index: Int, _ end: Int, _ ignoringCase: Bool) -> Unicode.Scalar? {
        guard index < end else { return nil }
        let scalar = scalar(at: index)
        guard ignoringCase else { return scalar }
        if ("A"..."Z").contains(scalar) { return Unicode.Scalar(scalar.value + 0x20) }
        // The long s is one too once case is ignored.
        return scalar == "\u{17F}" ? "s" : scalar
    }
}
