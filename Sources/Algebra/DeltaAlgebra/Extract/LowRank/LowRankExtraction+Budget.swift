import Diagnostics
import LinearAlgebra
import Tensors

extension LowRankExtraction {
    /// Finds the singular values of all tensors, more of them where they prove worth their bytes, then shares the bytes.
    ///
    /// Vectors are kept while they fit a quarter of the memory. Where they do not they are computed again, the same way.
    func spend(_ bytes: Int, on targets: [LowRankTarget]) throws(Failure) -> [LowRankResult] {
        let budget = RankBudget(bytes: bytes)
        var costs: [Int] = []
        for target in targets {
            let rows = try DifferenceRows(target)
            costs.append((rows.rows + rows.columns) * (factorType(target).width ?? 1))
        }
        let first = max(8, 2 * budget.uniformRank(costs: costs))
        var spectra: [Spectrum] = []
        var held = 0
        for target in targets {
            let found = try work(on: target).iteration.approximate(rank: first)
            spectra.append(Spectrum(asked: [first], found, held: &held, most: memory.bytes / 4))
        }
        var ranks: [Int] = []
        while true {
            ranks = budget.ranks(zip(costs, spectra).map { RankBudget.Candidate(cost: $0, values: $1.values) })
            let short = targets.indices.filter { ranks[$0] == spectra[$0].values.count && !spectra[$0].isComplete }
            if short.isEmpty { break }
            for index in short {
                let asked = spectra[index].asked + [2 * ranks[index]]
                let found = try vectors(of: targets[index], work(on: targets[index]), spectra[index], asked)
                held -= spectra[index].byteCount
                spectra[index] = Spectrum(asked: asked, found, held: &held, most: memory.bytes / 4)
            }
        }
        var results: [LowRankResult] = []
        for (index, target) in targets.enumerated() {
            let work = try work(on: target)
            let spectrum = spectra[index]
            if ranks[index] == 0 {
                results.append(work.nothing(power: spectrum.power))
            } else {
                let found = try vectors(of: target, work, spectrum, spectrum.asked)
                results.append(try work.result(found, rank: ranks[index]))
            }
        }
        return results
    }

    /// What comes of asking for one rank after the other, the first of which the spectrum knows.
    private func vectors(
        of target: LowRankTarget, _ work: LowRankWork, _ spectrum: Spectrum, _ asked: [Int]
    ) throws(Failure) -> Approximation {
        var found = spectrum.vectors
        if let found { work.iteration.resume(from: found) }
        for rank in asked.dropFirst(found == nil ? 0 : spectrum.asked.count) {
            found = try work.iteration.approximate(rank: rank)
        }
        guard let found else { throw Failure(.internal, "no rank was asked for", object: target.name) }
        return found
    }
}

/// What is known of one tensor's change while bytes are shared.
private struct Spectrum {
    /// The ranks that were asked for, one after the other.
    let asked: [Int]
    let values: [Double]
    let power: Double
    let isComplete: Bool
    /// Nil where there was no room for them.
    let vectors: Approximation?

    init(asked: [Int], _ found: Approximation, held: inout Int, most: Int) {
        self.asked = asked
        values = found.values
        power = found.power
        isComplete = found.isComplete
        vectors = held + found.byteCount <= most ? found : nil
        held += byteCount
    }

    var byteCount: Int { vectors?.byteCount ?? 0 }
}
