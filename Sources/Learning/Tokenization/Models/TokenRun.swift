/// Tokens, and what each came of.
struct TokenRun: Sendable {
    var ids: [Int32] = []
    /// The part of a word, later of the text, that each token came of; none where nobody asks for offsets.
    var ranges: [Range<Int32>] = []
    /// How many blanks each token begins and ends with; only where offsets leave them out.
    var blanks: [Blanks] = []

    struct Blanks: Hashable, Sendable {
        var leading: Int32 = 0
        var trailing: Int32 = 0
    }
}

extension TokenRun {
    /// Leaves out all tokens behind the first `count`.
    fileprivate mutating func keep(_ count: Int) {
        ids.removeLast(max(0, ids.count - count))
        ranges.removeLast(max(0, ranges.count - count))
        blanks.removeLast(max(0, blanks.count - count))
    }
}

extension [TokenRun] {
    /// Leaves the ends of one text, or of two, out until all tokens are at most `count`: of two that of the longer one, and
    /// where both have more than half the room half of it each, the longer one what is over.
    mutating func truncate(to count: Int) -> Bool {
        let counts = map(\.ids.count)
        guard counts.reduce(0, +) > count else { return false }
        guard self.count == 2 else {
            if !isEmpty { self[0].keep(count) }
            return true
        }
        let (short, long) = counts[0] > counts[1] ? (1, 0) : (0, 1)
        let kept = Swift.min(counts[short], count / 2)
        self[short].keep(kept)
        self[long].keep(count - kept)
        return true
    }
}

/// Words and their tokens, so that a word is cut once, and what each token came of.
struct WordCache: Sendable {
    private var words = ByteStringTable(minimumCapacity: 1 << 10)
    /// Where the tokens of each word end in `ids` and `ranges`.
    private var ends: [Int] = []
    private var ids: [Int32] = []
    private var ranges: [Range<Int32>] = []

    private static let wordLimit = 1 << 16
    private static let byteLimit = 128

    /// Appends the tokens of a word; false where it is new.
    func append(_ word: Span<UInt8>, to run: inout TokenRun, isTracked: Bool) -> Bool {
        guard word.count <= Self.byteLimit, let index = words.index(of: word) else { return false }
        let places = (index == 0 ? 0 : ends[index - 1])..<ends[index]
        run.ids += ids[places]
        if isTracked { run.ranges += ranges[places] }
        return true
    }

    /// Takes up the tokens of a new word.
    mutating func insert(_ word: Span<UInt8>, _ run: TokenRun) {
        guard word.count <= Self.byteLimit else { return }
        if words.count == Self.wordLimit {
            words.removeAll()
            ends.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
            ranges.removeAll(keepingCapacity: true)
        }
        words.insert(word)
        ids += run.ids
        ranges += run.ranges
        ends.append(ids.count)
    }
}

/// What makes tokens of words.
enum TokenModel: Sendable {
    case bytePairs(BytePairEncoding)
    case wordPieces(WordPieces)
    case unigram(Unigram)

    /// Words that were cut, and room to work in. One for each text at a time.
    struct Scratch: Sendable {
        fileprivate var cache = WordCache()
        fileprivate var pairs = BytePairEncoding.Scratch()
        fileprivate var paths = Unigram.Scratch()
        fileprivate var made = TokenRun()
    }

    var vocabulary: Vocabulary {
        switch self {
        case .bytePairs(let model): model.vocabulary
        case .wordPieces(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        }
    }

    /// Appends the tokens of a word that is not empty.
    func encode(_ word: Span<UInt8>, _ scratch: inout Scratch, into run: inout TokenRun, isTracked: Bool) {
        guard case .bytePairs(let model) = self, model.partsAtSigns else {
            return encodePart(word, &scratch, into: &run, isTracked: isTracked)
        }
        var start = 0
        for end in BytePairEncoding.signs(in: word) + [word.count] where end > start {
            let first = run.ids.count
            encodePart(word.extracting(start..<end), &scratch, into: &run, isTracked: isTracked)
            if isTracked, start > 0 {
                let start = Int32(truncatingIfNeeded: start)
                for index in first..<run.ids.count {
                    run.ranges[index] = (run.ranges[index].lowerBound + start)..<(run.ranges[index].upperBound + start)
                }
            }
            start = end
        }
    }

    private func encodePart(_ word: Span<UInt8>, _ scratch: inout Scratch, into run: inout TokenRun, isTracked: Bool) {
        if scratch.cache.append(word, to: &run, isTracked: isTracked) { return }
        scratch.made.ids.removeAll(keepingCapacity: true)
        scratch.made.ranges.removeAll(keepingCapacity: true)
        switch self {
        case .bytePairs(let model): model.encode(word, &scratch.pairs, into: &scratch.made)
        case .wordPieces(let model): model.encode(word, into: &scratch.made)
        case .unigram(let model): model.encode(word, &scratch.paths, into: &scratch.made)
        }
        run.ids += scratch.made.ids
        if isTracked { run.ranges += scratch.made.ranges }
        scratch.cache.insert(word, scratch.made)
    }
}
