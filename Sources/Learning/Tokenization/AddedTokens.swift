/// The tokens that are looked for in a text before it is cut: the special ones, and those that a user added.
struct AddedTokens: Sendable {
    struct Token: Hashable, Sendable {
        var content: String
        var isSpecial = false
        /// Whether it is looked for in the normalized text, itself normalized.
        var isNormalized = true
        /// Whether it counts only where no part of a word is beside it.
        var isSingleWord = false
        /// Whether it takes the white space to its left with it.
        var stripsLeft = false
        var stripsRight = false
    }

    /// A part of a text.
    enum Part: Hashable, Sendable {
        case text(Range<Int>)
        /// A token, and what it takes of the text.
        case token(Int32, Range<Int>)
    }

    private var tokens: [Int32: Token] = [:]
    private var ids = ByteStringTable()
    /// The id of each token in `ids`.
    private var idsInOrder: [Int32] = []
    private var normalizedSpellings: [Int32: String] = [:]
    private var specialContents: Set<[UInt8]> = []
    private var verbatim = TokenTrie()
    private var normalized = TokenTrie()

    /// Adds a token, whose content is not empty.
    mutating func insert(_ token: Token, id: Int32, normalizer: Normalizer) {
        tokens[id] = token
        if ids.insert(token.content.utf8Span.span).isNew { idsInOrder.append(id) }
        if token.isSpecial { specialContents.insert(Array(token.content.utf8)) }
        guard token.isNormalized else { return verbatim.insert(token.content.utf8, token: id) }
        let spelling = normalizer(Array(token.content.utf8))
        normalized.insert(spelling, token: id)
        normalizedSpellings[id] = String(decoding: spelling, as: UTF8.self)
    }

    /// What an added token is when it is decoded: its normalized form where it has one.
    func spelling(of id: Int32) -> String? {
        normalizedSpellings[id] ?? tokens[id]?.content
    }

    func content(of id: Int32) -> String? { tokens[id]?.content }

    func id(of content: String) -> Int32? { ids.index(of: content.utf8Span.span).map { idsInOrder[$0] } }

    func isSpecial(_ token: String) -> Bool { specialContents.contains(Array(token.utf8)) }

    /// Parts a text that is not normalized yet at the tokens that are looked for in such a text.
    func partsOfVerbatim(_ text: Span<UInt8>) -> [Part] { parts(text, verbatim) }

    func partsOfNormalized(_ text: Span<UInt8>) -> [Part] { parts(text, normalized) }

    /// At each place the longest token counts; a match that is refused is passed over, not tried again shorter.
    private func parts(_ text: Span<UInt8>, _ trie: TokenTrie) -> [Part] {
        guard !trie.isEmpty else { return text.isEmpty ? [] : [.text(0..<text.count)] }
        var parts: [Part] = []
        var done = 0
        var place = 0
        while place < text.count {
            guard let match = trie.longestMatch(in: text, at: place), let token = tokens[match.token] else {
                place += 1
                continue
            }
            var start = place
            var end = match.end
            place = end
            if token.isSingleWord, text.isWord(before: start) || text.isWord(after: end) { continue }
            if token.stripsLeft { start = max(done, text.startOfWhitespace(before: start)) }
            if token.stripsRight { end = text.endOfWhitespace(after: end) }
            if done < start { parts.append(.text(done..<start)) }
            parts.append(.token(match.token, start..<end))
            done = end
        }
        if done < text.count { parts.append(.text(done..<text.count)) }
        return parts
    }
}

extension Span<UInt8> {
    fileprivate func isWord(before place: Int) -> Bool { place > 0 && scalar(before: place).scalar.isWord }
    fileprivate func isWord(after place: Int) -> Bool { place < count && scalar(at: place).scalar.isWord }

    fileprivate func startOfWhitespace(before place: Int) -> Int {
        var start = place
        while start > 0, case let (scalar, length) = scalar(before: start), scalar.isWhitespace {
            start -= length
        }
        return start
    }

    fileprivate func endOfWhitespace(after place: Int) -> Int {
        var end = place
        while end < count, case let (scalar, length) = scalar(at: end), scalar.isWhitespace { end += length }
        return end
    }
}
