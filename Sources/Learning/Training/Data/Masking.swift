import LinearAlgebra

/// Which tokens a masked model is asked for, and what it sees in their place (Devlin et al., 2019, section 3.1 and
/// appendix A.1): of a row 15 % of its tokens, of which 80 % are hidden by the mask, 10 % are a word drawn at random, and
/// 10 % stay as they are.
package struct Masking: Hashable, Sendable {
    /// Tokens that are never asked for, such as those that open and close a row.
    package let specials: Set<Int32>
    /// The token that hides another.
    package let mask: Int32
    /// Words drawn at random are from 0 up to this.
    package let vocabularySize: Int
    package let seed: UInt64

    /// Hundredths of a row's tokens that are asked for.
    private static let share = 15

    package init(specials: Set<Int32>, mask: Int32, vocabularySize: Int, seed: UInt64) {
        precondition(vocabularySize > 0)
        self.specials = specials
        self.mask = mask
        self.vocabularySize = vocabularySize
        self.seed = seed
    }

    /// What the model sees of a row, and the label of each token: the token itself where it is asked for, else
    /// `Batch.ignored`, −100.
    ///
    /// The seed, the row's number and its ids decide, in whatever order rows are asked for. At least one token is asked for,
    /// but of a row that has only special ones.
    ///
    /// - Parameter row: The row's number, another one each time that the row is seen where it is to be masked anew.
    package func masked(_ ids: [Int32], row: Int) -> (inputs: [Int32], labels: [Int32]) {
        var inputs = ids
        var labels = [Int32](repeating: -100, count: ids.count)
        let random = CounterRandom(seed: seed, name: "mask of row \(row)")
        let words = ids.indices.filter { !specials.contains(ids[$0]) && ids[$0] != mask }
        let count = min(words.count, max(1, (Self.share * ids.count + 50) / 100))
        // Those with the lowest of numbers drawn for all: each set of them is as likely as any other.
        let order = words.map { (key: Self.wide(random, $0), place: $0) }.sorted { $0 < $1 }
        for (_, place) in order.prefix(count) {
            labels[place] = ids[place]
            let choice = Self.wide(random, ids.count + place).multipliedFullWidth(by: 10).high
            if choice < 8 {
                inputs[place] = mask
            } else if choice == 8 {
                let word = Self.wide(random, 2 * ids.count + place)
                inputs[place] = Int32(truncatingIfNeeded: word.multipliedFullWidth(by: UInt64(vocabularySize)).high)
            }
        }
        return (inputs, labels)
    }

    /// 48 bits from the top: far more than there are words.
    private static func wide(_ random: CounterRandom, _ place: Int) -> UInt64 {
        random.bits(2 * place) << 40 | random.bits(2 * place + 1) << 16
    }
}
