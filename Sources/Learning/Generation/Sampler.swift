package import Diagnostics
package import Kernels
import LinearAlgebra

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How the next token is chosen: `Spec/generation.md` has the numbers.
package struct Sampling: Hashable, Sendable {
    /// What scores are divided by; 0 takes the likeliest token.
    package var temperature = 0.0
    /// Only so many of the likeliest tokens are drawn from; nil for all.
    package var topK: Int?
    /// Only the likeliest tokens that together have this share are drawn from; 1 for all.
    package var topP = 1.0
    package var seed: UInt64 = 0

    package init() {}
}

/// Chooses tokens. What it draws depends on seed and place alone.
package struct Sampler: Sendable {
    private let options: Sampling
    private let random: CounterRandom

    package init(_ options: Sampling) {
        self.options = options
        random = CounterRandom(seed: options.seed, name: "generation")
    }

    /// The token at a place of what is generated, counted from 0, given the scores of all tokens: one row.
    ///
    /// Throws ``Failure/Code/notFinite`` where a score is no number, or none is above −∞.
    package func token(at place: Int, _ scores: Matrix<Float>) throws(Failure) -> Int32 {
        let scores = scores.values
        var best = 0
        var isNumber = !scores.isEmpty
        for (id, score) in scores.enumerated() {
            if score > scores[best] { best = id }
            if score.isNaN { isNumber = false }
        }
        guard isNumber, scores[best].isFinite else {
            throw Failure(
                .notFinite, "the model's scores are no numbers", object: "token \(place + 1)",
                hint: "an adapter or a weight of it may be too large")
        }
        guard options.temperature > 0 else { return Int32(best) }
        let kept = probabilities(scores)
        // 48 bits: what lies between two tokens is still told apart where there are many.
        let drawn = Double(random.bits(2 * place) << 24 | random.bits(2 * place + 1)) * 0x1p-48
        var sum = 0.0
        for (id, probability) in kept {
            sum += probability
            if drawn < sum { return id }
        }
        return kept.last { $0.probability > 0 }?.id ?? Int32(best)
    }

    /// The tokens that are drawn from, from the lowest id on, and their shares, whose sum is 1.
    package func probabilities(_ scores: [Float]) -> [(id: Int32, probability: Double)] {
        var kept = Array(scores.indices)
        if let topK = options.topK, topK < kept.count {
            let least = scores.sorted(by: >)[topK - 1]
            kept.removeAll { scores[$0] < least }
        }
        // Below the highest, so that the lowest temperature still divides numbers that are finite.
        let highest = Double(scores.max() ?? 0)
        var shares = kept.map { id in
            (id: Int32(id), probability: exp((Double(scores[id]) - highest) / options.temperature))
        }
        func normalize() {
            let sum = shares.reduce(0) { $0 + $1.probability }
            for place in shares.indices { shares[place].probability /= sum }
        }
        normalize()
        guard options.topP < 1 else { return shares }
        // From the unlikeliest on as many go as fit into what is left over; the likeliest stays.
        let ascending = shares.indices.sorted {
            (shares[$0].probability, shares[$0].id) < (shares[$1].probability, shares[$1].id)
        }
        var sum = 0.0
        var count = 0
        while count < ascending.count - 1 {
            sum += shares[ascending[count]].probability
            if sum > 1 - options.topP { break }
            count += 1
        }
        shares = ascending[count...].sorted().map { shares[$0] }
        normalize()
        return shares
    }
}
