import Support
import Testing
import Training

/// Masks of masked language modeling.
@Suite struct MaskingTests {
    private static let masking = Masking(specials: [0, 1, 2], mask: 3, vocabularySize: 97, seed: 5)

    private func row(_ length: Int, seed: UInt64) -> [Int32] {
        var random = RepeatableRandom(seed: seed)
        return [1] + (0..<length - 2).map { _ in Int32.random(in: 10..<97, using: &random) } + [2]
    }

    @Test("labels are the tokens that are asked for, and special ones never are")
    func labels() {
        for length in [2, 3, 10, 40, 512] {
            let ids = row(length, seed: UInt64(length))
            let (inputs, labels) = Self.masking.masked(ids, row: length)
            #expect(inputs.count == length && labels.count == length)
            let asked = labels.indices.filter { labels[$0] != -100 }
            let expected = length == 2 ? 0 : max(1, Int((0.15 * Double(length)).rounded()))
            #expect(asked.count == expected)
            #expect(asked.allSatisfy { labels[$0] == ids[$0] && ids[$0] > 3 })
            #expect(ids.indices.allSatisfy { labels[$0] != -100 || inputs[$0] == ids[$0] })
        }
        #expect(Self.masking.masked([], row: 0).inputs.isEmpty)
    }

    @Test("the same row is masked the same, another number or seed otherwise")
    func counters() {
        let ids = row(200, seed: 1)
        let one = Self.masking.masked(ids, row: 7)
        #expect(one == Self.masking.masked(ids, row: 7))
        #expect(one != Self.masking.masked(ids, row: 8))
        let other = Masking(specials: [0, 1, 2], mask: 3, vocabularySize: 97, seed: 6)
        #expect(one != other.masked(ids, row: 7))
    }

    @Test("8 of 10 are hidden, 1 is another word, 1 stays; every place and every word has its turn")
    func shares() {
        var (asked, hidden, kept) = (0, 0, 0)
        var places = [Int](repeating: 0, count: 98)
        var words = Set<Int32>()
        let ids = row(100, seed: 2)
        for number in 0..<4000 {
            let (inputs, labels) = Self.masking.masked(ids, row: number)
            for place in labels.indices where labels[place] != -100 {
                asked += 1
                places[place - 1] += 1
                if inputs[place] == 3 {
                    hidden += 1
                } else if inputs[place] == ids[place] {
                    kept += 1
                } else {
                    words.insert(inputs[place])
                }
            }
        }
        #expect(asked == 4000 * 15)
        // Five standard deviations.
        let spread = 5 * Double(60_000 * 0.8 * 0.2).squareRoot()
        #expect(abs(Double(hidden) - 48_000) < spread)
        // Of the words drawn one in 97 is the token itself, and one in 97 the mask.
        #expect(abs(Double(kept) - 6060) < spread)
        let each = 60_000.0 / 98
        let most = 5 * each.squareRoot()
        #expect(places.allSatisfy { abs(Double($0) - each) < most })
        #expect(words.count > 94)
        #expect(words.allSatisfy { (0..<97).contains($0) })
    }
}
