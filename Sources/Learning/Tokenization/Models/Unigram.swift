/// A unigram model: of all ways to cut a word, the one whose tokens' scores have the largest sum.
///
/// Kudo, 2018, by the algorithm of Viterbi. A character without a token has the lowest score less ten.
struct Unigram: Sendable {
    let vocabulary: Vocabulary
    /// What stands for characters without a token; several in a row make one.
    let unknown: Int32
    /// The token of each byte, by which unknown characters are written where all their bytes have one; −1 for none.
    let byteTokens: [Int32]
    private let scores: [Double]
    private let unknownScore: Double
    private let tree: PrefixTree

    /// The best way to every place of a word.
    struct Scratch: Sendable {
        fileprivate var scores: [Double] = []
        fileprivate var starts: [Int32] = []
        fileprivate var tokens: [Int32] = []
    }

    /// - Parameter scores: The score of each id; all finite.
    init(_ vocabulary: Vocabulary, scores: [Double], unknown: Int32, byteTokens: [Int32]) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknown = unknown
        self.byteTokens = byteTokens
        unknownScore = (scores.min() ?? 0) - 10
        tree = PrefixTree(of: vocabulary)
    }

    func encode(_ word: Span<UInt8>, _ scratch: inout Scratch, into run: inout TokenRun) {
        findPath(word, &scratch)
        var end = word.count
        while end > 0 {
            var start = Int(scratch.starts[end])
            var token = scratch.tokens[end]
            if token == unknown {
                while start > 0, scratch.tokens[start] == unknown { start = Int(scratch.starts[start]) }
                token = vocabulary.id(of: word.extracting(start..<end)) ?? -1
            }
            let range = Int32(truncatingIfNeeded: start)..<Int32(truncatingIfNeeded: end)
            if token < 0, (start..<end).allSatisfy({ byteTokens[Int(word[$0])] >= 0 }) {
                for index in (start..<end).reversed() {
                    run.ids.append(byteTokens[Int(word[index])])
                    run.ranges.append(range)
                }
            } else {
                run.ids.append(token < 0 ? unknown : token)
                run.ranges.append(range)
            }
            end = start
        }
        run.ids.reverse()
        run.ranges.reverse()
    }

    private func findPath(_ word: Span<UInt8>, _ scratch: inout Scratch) {
        let count = word.count + 1
        scratch.scores = [Double](repeating: 0, count: count)
        scratch.starts = [Int32](repeating: -1, count: count)
        scratch.tokens = [Int32](repeating: -1, count: count)
        var place = 0
        while place < word.count {
            let here = scratch.scores[place]
            let length = word.scalar(at: place).length
            var hasCharacter = false
            func propose(_ token: Int32, _ score: Double, _ end: Int) {
                guard scratch.starts[end] < 0 || score > scratch.scores[end] else { return }
                scratch.scores[end] = score
                scratch.starts[end] = Int32(truncatingIfNeeded: place)
                scratch.tokens[end] = token
            }
            tree.forEachMatch(in: word, at: place) { token, end in
                propose(token, here + scores[Int(token)], end)
                if end == place + length { hasCharacter = true }
            }
            if !hasCharacter { propose(unknown, here + unknownScore, place + length) }
            place += length
        }
    }
}
