/// Patterns that tell capitals from small letters, or punctuation from other signs: of GPT-4o and DeepSeek.
extension WordPattern {
    /// GPT-4o's `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` with what stands before and after it, and the rest.
    static func nextOfGPT4o(_ pieces: Pieces, _ start: Int, _ end: Int) -> Int {
        let kind = pieces.classes[start]
        var word: Int?
        // Each alternative is tried with the sign before the word, then without it.
        if kind != .letter, kind != .number, kind != .newline, start + 1 < end {
            word = pieces.endOfCasedWord(start + 1, end)
        }
        word = word ?? pieces.endOfCasedWord(start, end)
        if word == nil {
            if kind != .letter, kind != .number, kind != .newline, start + 1 < end {
                word = pieces.endOfCapitals(start + 1, end)
            }
            word = word ?? pieces.endOfCapitals(start, end)
        }
        if let word { return pieces.endOfContraction(word, end, ignoringCase: true) ?? word }
        if kind == .number { return pieces.endOfRun(of: .number, start, min(end, start + 3)) }
        let first = pieces.afterBlank(start, end)
        if pieces.classes[first] == .other {
            var place = pieces.endOfRun(of: .other, first, end)
            while place < end, pieces.classes[place] == .newline || pieces.scalar(at: place) == "/" { place += 1 }
            return place
        }
        return pieces.lastNewline(start, end).map { $0 + 1 } ?? pieces.endOfWhitespace(start, end)
    }

    /// Runs of at most three numbers, and what is between them.
    static func nextOfNumbers(_ pieces: Pieces, _ start: Int, _ end: Int) -> Int {
        if pieces.classes[start] == .number { return pieces.endOfRun(of: .number, start, min(end, start + 3)) }
        var place = start + 1
        while place < end, pieces.classes[place] != .number { place += 1 }
        return place
    }

    /// Runs of ideographs and kana, and what is between them.
    static func nextOfKana(_ pieces: Pieces, _ start: Int, _ end: Int) -> Int {
        func isKana(_ index: Int) -> Bool {
            switch pieces.scalar(at: index).value {
            case 0x4E00...0x9FA5, 0x3040...0x30FF: true
            default: false
            }
        }
        let first = isKana(start)
        var place = start + 1
        while place < end, isKana(place) == first { place += 1 }
        return place
    }

    static func nextOfDeepSeek(_ pieces: Pieces, _ start: Int, _ end: Int) -> Int {
        if let match = pieces.endOfDeepSeekMatch(start, end) { return match }
        var place = start + 1
        while place < end, pieces.endOfDeepSeekMatch(place, end) == nil { place += 1 }
        return place
    }
}

/// What a pattern with cases tells apart besides the classes.
private enum CharacterCase {
    case capital, small
    /// A letter without case, or a mark.
    case either
    case punctuation, none

    init(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            switch scalar {
            case "A"..."Z": self = .capital
            case "a"..."z": self = .small
            default: self = scalar.isPunctuation ? .punctuation : .none
            }
            return
        }
        guard scalar.isAssigned(by: 16) else {
            self = .none
            return
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: self = .capital
        case .lowercaseLetter: self = .small
        case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark: self = .either
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
            self = .punctuation
        default: self = .none
        }
    }

    var isCapital: Bool { self == .capital || self == .either }
    var isSmall: Bool { self == .small || self == .either }
    var isWord: Bool { isCapital || isSmall }
}

extension Pieces {
    private func characterCase(_ index: Int) -> CharacterCase { CharacterCase(scalar(at: index)) }

    /// The end of capitals and then at least one small letter; what is neither serves as both.
    fileprivate func endOfCasedWord(_ start: Int, _ end: Int) -> Int? {
        var place = start
        var lastEither: Int?
        while place < end, case let kind = characterCase(place), kind.isCapital {
            if kind == .either { lastEither = place }
            place += 1
        }
        guard place < end, characterCase(place).isSmall else { return lastEither.map { $0 + 1 } }
        while place < end, characterCase(place).isSmall { place += 1 }
        return place
    }

    fileprivate func endOfCapitals(_ start: Int, _ end: Int) -> Int? {
        var place = start
        while place < end, characterCase(place).isCapital { place += 1 }
        return place > start ? place : nil
    }

    fileprivate func endOfDeepSeekMatch(_ start: Int, _ end: Int) -> Int? {
        let first = characterCase(start)
        func isLetter(_ index: Int) -> Bool {
            index < end && ("A"..."z").contains(scalar(at: index)) && characterCase(index).isWord
        }
        if scalar(at: start).isASCII, first == .punctuation, isLetter(start + 1) {
            var place = start + 1
            while isLetter(place) { place += 1 }
            return place
        }
        let isBefore = first != .punctuation && classes[start] != .newline && classes[start] != .letter
        if first.isWord || isBefore && start + 1 < end && characterCase(start + 1).isWord {
            var place = start + 1
            while place < end, characterCase(place).isWord { place += 1 }
            return place
        }
        let afterBlank = afterBlank(start, end)
        if characterCase(afterBlank) == .punctuation {
            var place = afterBlank
            while place < end, characterCase(place) == .punctuation { place += 1 }
            return endOfRun(of: .newline, place, end)
        }
        guard classes[start].isWhitespace else { return nil }
        return lastNewline(start, end).map { $0 + 1 } ?? endOfWhitespace(start, end)
    }
}
