/// Byte-pair encoding: the bytes or characters of a word, joined pair by pair in the order of the merges.
///
/// Sennrich, Haddow and Birch, 2016; over bytes as in GPT-2, over characters as in LLaMA 2.
struct BytePairEncoding: Sendable {
    struct Options: Sendable {
        /// Whether a word is merged from its bytes, as they are spelled in GPT-2's alphabet, instead of its characters.
        var isOfBytes: Bool
        /// The token of each byte, −1 where the vocabulary has none: of its spelling in GPT-2's alphabet where words are of
        /// bytes, else of `<0x00>` and so on, by which unknown characters are written; all −1 where they are not.
        var byteTokens: [Int32]
        /// What stands for a byte or character without a token; where nothing does, such are left out.
        var unknown: Int32?
        /// Whether unknown ones in a row make one token.
        var joinsUnknown: Bool
        /// Whether a word that is a token is taken as it is, without merges.
        var ignoresMerges: Bool
    }

    let vocabulary: Vocabulary
    private let merges: MergeTable
    private let options: Options
    /// The token of each character of ASCII, or of each byte where words are of bytes.
    private let shortTokens: [Int32]
    /// Whether the sign for blanks always begins what may be cut on its own: no merge has it right of anything else.
    let partsAtSigns: Bool

    static let sign = Array("▁".utf8)

    init(_ vocabulary: Vocabulary, _ merges: MergeTable, _ options: Options) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.options = options
        shortTokens =
            options.isOfBytes
            ? options.byteTokens : (0..<0x80).map { (byte: UInt8) in vocabulary.id(of: [byte].span) ?? -1 }
        partsAtSigns =
            !options.isOfBytes && !options.ignoresMerges && vocabulary.id(of: Self.sign.span) != nil
            && merges.results.allSatisfy { id in
                !Self.signs(in: Array((vocabulary.token(for: id) ?? "").utf8).span).contains { $0 > 0 }
            }
    }

    /// Where signs for blanks are in a text that do not follow one.
    static func signs(in text: Span<UInt8>) -> [Int] {
        var places: [Int] = []
        var isAfterSign = false
        var place = 0
        while place < text.count {
            let isSign =
                text[place] == sign[0] && place + 2 < text.count && text[place + 1] == sign[1]
                && text[place + 2] == sign[2]
            if isSign, !isAfterSign { places.append(place) }
            isAfterSign = isSign
            place += isSign ? 3 : 1
        }
        return places
    }

    /// Room to work in. One for each text at a time.
    struct Scratch: Sendable {
        /// The symbols of the word at hand, −1 for one that was joined to its left neighbor.
        fileprivate var symbols: [Int32] = []
        /// How many bytes each stands for.
        fileprivate var lengths: [Int32] = []
        fileprivate var next: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var queue = MergeQueue()

        fileprivate static let keptSymbolCount = 1 << 16
    }

    /// Appends the tokens of a word, given by its bytes.
    func encode(_ word: Span<UInt8>, _ scratch: inout Scratch, into run: inout TokenRun) {
        if options.ignoresMerges, let token = wholeToken(word) {
            run.ids.append(token)
            return run.ranges.append(0..<Int32(truncatingIfNeeded: word.count))
        }
        merge(word, &scratch)
        var start: Int32 = 0
        for (symbol, length) in zip(scratch.symbols, scratch.lengths) where symbol >= 0 {
            run.ids.append(symbol)
            run.ranges.append(start..<start + length)
            start += length
        }
    }

    private func wholeToken(_ word: Span<UInt8>) -> Int32? {
        options.isOfBytes ? vocabulary.id(of: ByteAlphabet.spelling(of: word).span) : vocabulary.id(of: word)
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
            scratch.lengths[place] += scratch.lengths[right]
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

    /// Makes symbols of a word's bytes or characters.
    private func fill(_ word: Span<UInt8>, _ scratch: inout Scratch) {
        // What an endless word took is not kept.
        let keeps = scratch.symbols.count <= Scratch.keptSymbolCount
        scratch.symbols.removeAll(keepingCapacity: keeps)
        scratch.lengths.removeAll(keepingCapacity: keeps)
        scratch.next.removeAll(keepingCapacity: keeps)
        scratch.previous.removeAll(keepingCapacity: keeps)
        scratch.queue.removeAll(keepingCapacity: keeps)
        var pending: Int32?
        var place = 0
        while place < word.count {
            let lead = word[place]
            let length = options.isOfBytes || lead < 0x80 ? 1 : word.scalar(at: place).length
            let end = place + length
            let symbol = length == 1 ? shortTokens[Int(lead)] : vocabulary.id(of: word.extracting(place..<end)) ?? -1
            if symbol >= 0 {
                if let count = pending { add(options.unknown, count, &scratch) }
                pending = nil
                add(symbol, Int32(truncatingIfNeeded: length), &scratch)
            } else if !options.isOfBytes, (place..<end).allSatisfy({ options.byteTokens[Int(word[$0])] >= 0 }) {
                // What is unknown before these bytes comes after them, as it does elsewhere.
                for index in place..<end { add(options.byteTokens[Int(word[index])], 1, &scratch) }
            } else if options.unknown != nil {
                if let count = pending, !options.joinsUnknown {
                    add(options.unknown, count, &scratch)
                    pending = nil
                }
                pending = (pending ?? 0) + Int32(truncatingIfNeeded: length)
            }
            place = end
        }
        if let count = pending { add(options.unknown, count, &scratch) }
    }

    private func add(_ symbol: Int32?, _ length: Int32, _ scratch: inout Scratch) {
        guard let symbol else { return }
        scratch.previous.append(Int32(scratch.symbols.count) - 1)
        scratch.symbols.append(symbol)
        scratch.lengths.append(length)
        scratch.next.append(Int32(scratch.symbols.count))
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
