/// Byte-pair encoding: the bytes of a word, joined pair by pair in the order of the merges.
///
/// Sennrich, Haddow and Birch, 2016; over bytes as in GPT-2.
struct BytePairEncoding: Sendable {
    let vocabulary: Vocabulary
    let merges: MergeTable
    /// The token of each byte, −1 where the vocabulary has none.
    let byteTokens: [Int32]
    /// What stands for a byte without a token; where nothing does, such bytes are left out.
    let unknown: Int32?
    /// Whether unknown bytes in a row make one token.
    let joinsUnknown: Bool
    /// Whether a word that is a token is taken as it is, without merges.
    let ignoresMerges: Bool

    /// Words and what became of them, and room to work in. One for each text at a time.
    struct Scratch: Sendable {
        fileprivate var words = ByteStringTable(minimumCapacity: 1 << 10)
        /// Where the tokens of each word end in `tokens`.
        fileprivate var ends: [Int] = []
        fileprivate var tokens: [Int32] = []
        /// The symbols of the word at hand, −1 for one that was joined to its left neighbor.
        fileprivate var symbols: [Int32] = []
        fileprivate var next: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var queue = MergeQueue()

        fileprivate static let wordLimit = 1 << 16
        fileprivate static let byteLimit = 128
        fileprivate static let keptSymbolCount = 1 << 16
    }

    /// Appends the tokens of a word, given by its bytes.
    func encode(_ word: Span<UInt8>, _ scratch: inout Scratch, into tokens: inout [Int32]) {
        if let index = scratch.words.index(of: word) {
            tokens += scratch.tokens[(index == 0 ? 0 : scratch.ends[index - 1])..<scratch.ends[index]]
            return
        }
        let start = tokens.count
        if ignoresMerges, let token = vocabulary.id(of: ByteAlphabet.spelling(of: word).span) {
            tokens.append(token)
        } else {
            merge(word, &scratch)
            for symbol in scratch.symbols where symbol >= 0 { tokens.append(symbol) }
        }
        guard word.count <= Scratch.byteLimit else { return }
        if scratch.words.count == Scratch.wordLimit {
            scratch.words.removeAll()
            scratch.ends.removeAll(keepingCapacity: true)
            scratch.tokens.removeAll(keepingCapacity: true)
        }
        scratch.words.insert(word)
        scratch.tokens += tokens[start...]
        scratch.ends.append(scratch.tokens.count)
    }

    private func merge(_ word: Span<UInt8>, _ scratch: inout Scratch) {
        fill(word, &scratch)
        let count = scratch.symbols.count
        guard count > 1 else { return }
        for place in 0..<count - 1 { propose(place, &scratch) }
        while let (rank, place) = scratch.queue.popLowest() {
            guard scratch.symbols[place] >= 0, case let right = Int(scratch.next[place]), right < count else {
                continue
            }
            // What was proposed may be gone; another pair that gives the same token serves as well, as it does elsewhere.
            let result = merges.results[Int(rank)]
            let current = merges.rank(scratch.symbols[place], scratch.symbols[right])
            guard current >= 0, merges.results[Int(current)] == result else { continue }
            scratch.symbols[place] = result
            scratch.symbols[right] = -1
            let after = Int(scratch.next[right])
            scratch.next[place] = Int32(after)
            if after < count { scratch.previous[after] = Int32(place) }
            if scratch.previous[place] >= 0 { propose(Int(scratch.previous[place]), &scratch) }
            if after < count { propose(place, &scratch) }
        }
    }

    /// Puts the merge of the symbol at `place` with the one after it into the queue, if there is one.
    private func propose(_ place: Int, _ scratch: inout Scratch) {
        let rank = merges.rank(scratch.symbols[place], scratch.symbols[Int(scratch.next[place])])
        if rank >= 0 { scratch.queue.insert(rank, place) }
    }

    /// Makes symbols of a word's bytes.
    private func fill(_ word: Span<UInt8>, _ scratch: inout Scratch) {
        // What an endless word took is not kept.
        let keeps = scratch.symbols.count <= Scratch.keptSymbolCount
        scratch.symbols.removeAll(keepingCapacity: keeps)
        scratch.next.removeAll(keepingCapacity: keeps)
        scratch.previous.removeAll(keepingCapacity: keeps)
        scratch.queue.removeAll(keepingCapacity: keeps)
        var isAfterUnknown = false
        for index in word.indices {
            var symbol = byteTokens[Int(word[index])]
            if symbol >= 0 {
                isAfterUnknown = false
            } else {
                guard let unknown else { continue }
                if isAfterUnknown && joinsUnknown { continue }
                isAfterUnknown = true
                symbol = unknown
            }
            scratch.previous.append(Int32(scratch.symbols.count) - 1)
            scratch.symbols.append(symbol)
            scratch.next.append(Int32(scratch.symbols.count))
        }
    }
}

/// Merges that may be made: the lowest rank first, and of one rank the leftmost. A binary heap.
private struct MergeQueue: Sendable {
    private var entries: [UInt64] = []

    mutating func removeAll(keepingCapacity: Bool) { entries.removeAll(keepingCapacity: keepingCapacity) }

    mutating func insert(_ rank: Int32, _ place: Int) {
        let entry = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(truncatingIfNeeded: place))
        var index = entries.count
        entries.append(entry)
        while index > 0, case let parent = (index - 1) / 2, entries[parent] > entry {
            entries[index] = entries[parent]
            index = parent
        }
        entries[index] = entry
    }

    mutating func popLowest() -> (rank: Int32, place: Int)? {
        guard let lowest = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            var index = 0
            while case var child = 2 * index + 1, child < entries.count {
                if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
                if entries[child] >= last { break }
                entries[index] = entries[child]
                index = child
            }
            entries[index] = last
        }
        return (Int32(truncatingIfNeeded: lowest >> 32), Int(lowest & 0xFFFF_FFFF))
    }
}
