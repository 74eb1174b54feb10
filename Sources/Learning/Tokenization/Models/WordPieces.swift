/// WordPiece: the longest token that a word begins with, then the longest continuation, and so on.
///
/// Schuster and Nakajima, 2012; as in BERT.
struct WordPieces: Sendable {
    let vocabulary: Vocabulary
    /// What stands for a word that is too long or has a part without a token.
    let unknown: Int32
    /// How many characters a word has at most.
    let characterLimit: Int
    private let tree: PrefixTree
    /// Where continuations begin in the tree, nil where there are none.
    private let continuation: Int32?

    /// - Parameter prefix: What the vocabulary writes in front of continuations.
    init(_ vocabulary: Vocabulary, unknown: Int32, prefix: String, characterLimit: Int) {
        self.vocabulary = vocabulary
        self.unknown = unknown
        self.characterLimit = characterLimit
        tree = PrefixTree(of: vocabulary)
        continuation = tree.node(of: prefix.utf8Span.span)
    }

    func encode(_ word: Span<UInt8>, into run: inout TokenRun) {
        var start = 0
        if isShort(word) {
            while start < word.count, let root = start == 0 ? 0 : continuation,
                let (token, end) = tree.longestMatch(in: word, at: start, below: root)
            {
                run.ids.append(token)
                run.ranges.append(Int32(truncatingIfNeeded: start)..<Int32(truncatingIfNeeded: end))
                start = end
            }
        }
        if start < word.count {
            run.ids = [unknown]
            run.ranges = [0..<Int32(truncatingIfNeeded: word.count)]
        }
    }

    private func isShort(_ word: Span<UInt8>) -> Bool {
        if word.count <= characterLimit { return true }
        var count = 0
        for index in word.indices where word[index] & 0xC0 != 0x80 { count += 1 }
        return count <= characterLimit
    }
}
