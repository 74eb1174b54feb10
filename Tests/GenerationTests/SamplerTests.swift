import Diagnostics
import Generation
import Kernels
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("Drawing tokens")
struct SamplerTests {
    private static let scores: [Float] = [0.5, 2, -1, 1.25, 2, -3, 0, 1]

    private func sampling(
        _ temperature: Double, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 1
    ) -> Sampling {
        var sampling = Sampling()
        sampling.temperature = temperature
        sampling.topK = topK
        sampling.topP = topP
        sampling.seed = seed
        return sampling
    }

    private func row(_ scores: [Float]) -> Matrix<Float> { Matrix(rows: 1, columns: scores.count, scores) }

    @Test("at temperature 0 the first of the likeliest is taken")
    func greedy() throws {
        #expect(try Sampler(Sampling()).token(at: 0, row(Self.scores)) == 1)
        #expect(try Sampler(Sampling()).token(at: 0, row([-Float.infinity, -5, -4])) == 2)
        for scores in [[1, Float.nan], [Float.infinity, 1], [-Float.infinity, -Float.infinity]] {
            #expect(throws: Failure.self) { try Sampler(Sampling()).token(at: 0, row(scores)) }
        }
    }

    @Test("shares are the softmax of what is kept: temperature, then top-k, then top-p")
    func shares() {
        for temperature in [0.3, 1, 2.5] {
            for topK in [nil, 1, 3, 5, 8, 100] {
                for topP in [0.05, 0.4, 0.75, 0.999, 1] {
                    let found = Sampler(sampling(temperature, topK: topK, topP: topP)).probabilities(Self.scores)
                    let wanted = expected(temperature, topK, topP)
                    #expect(found.map(\.id) == wanted.map(\.id), "\(temperature) \(topK ?? 0) \(topP)")
                    for (a, b) in zip(found, wanted) { #expect(abs(a.probability - b.probability) < 1e-12) }
                    #expect(abs(found.reduce(0) { $0 + $1.probability } - 1) < 1e-12)
                }
            }
        }
        #expect(
            Sampler(sampling(.leastNonzeroMagnitude)).probabilities(Self.scores).filter { $0.probability > 0 }.map(
                \.probability) == [
                    0.5, 0.5,
                ])
        // Tied scores at the last place of top-k all stay, as in transformers.
        #expect(Sampler(sampling(1, topK: 1)).probabilities(Self.scores).map(\.id) == [1, 4])
    }

    /// The same from its definition: a token goes if it and all that are less likely have at most 1 − p together.
    private func expected(_ temperature: Double, _ topK: Int?, _ topP: Double) -> [(id: Int32, probability: Double)] {
        let scores = Self.scores.map { Double($0) / temperature }
        let least = topK.map { scores.sorted(by: >)[min($0, scores.count) - 1] } ?? -.infinity
        func shares(_ ids: [Int]) -> [(id: Int, probability: Double)] {
            let sum = ids.reduce(0) { $0 + exp(scores[$1]) }
            return ids.map { ($0, exp(scores[$0]) / sum) }
        }
        let kept = shares(scores.indices.filter { scores[$0] >= least })
        let likeliest = kept.max { ($0.probability, $0.id) < ($1.probability, $1.id) }?.id
        let ids = kept.filter { one in
            let below = kept.filter { ($0.probability, $0.id) <= (one.probability, one.id) }
            return topP == 1 || one.id == likeliest || below.reduce(0) { $0 + $1.probability } > 1 - topP
        }
        return shares(ids.map(\.id)).map { (Int32($0.id), $0.probability) }
    }

    @Test("tokens come as often as their shares say")
    func frequencies() throws {
        for options in [sampling(1), sampling(0.7, topK: 4), sampling(1.5, topP: 0.8)] {
            let sampler = Sampler(options)
            let scores = row(Self.scores)
            let draws = 40_000
            var counts = [Int32: Int]()
            for place in 0..<draws { counts[try sampler.token(at: place, scores), default: 0] += 1 }
            let shares = sampler.probabilities(Self.scores)
            #expect(Set(counts.keys) == Set(shares.map(\.id)))
            // Pearson's statistic has a mean of one less than there are shares, and this seed is no exception.
            let statistic = shares.reduce(0.0) { sum, share in
                let expected = share.probability * Double(draws)
                let difference = Double(counts[share.id] ?? 0) - expected
                return sum + difference * difference / expected
            }
            #expect(statistic < 30, "\(counts)")
        }
    }

    @Test("a seed gives the same tokens, another gives others")
    func seeds() throws {
        func tokens(_ seed: UInt64) throws -> [Int32] {
            try (0..<40).map { try Sampler(sampling(1, seed: seed)).token(at: $0, row(Self.scores)) }
        }
        #expect(try tokens(4) == tokens(4))
        #expect(try tokens(4) != tokens(5))
    }
}
