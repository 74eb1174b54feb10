import Diagnostics
import LinearAlgebra
import Tensors

extension LowRankExtraction {
    /// Finds the singular values of all tensors, more of them where they prove worth their bytes, then shares the bytes.
    func spend(_ bytes: Int, on targets: [LowRankTarget]) throws(Failure) -> [LowRankResult] {
        let budget = RankBudget(bytes: bytes)
        let costs = try targets.map { target throws(Failure) in try rankByteCount(of: target) }
        let first = max(8, 2 * budget.uniformRank(costs: costs))
        var spectra = try Spectra(self, targets, ranks: [Int](repeating: first, count: targets.count))
        var ranks: [Int] = []
        while true {
            ranks = budget.ranks(
                costs.indices.map { RankBudget.Candidate(cost: costs[$0], values: spectra[$0].values) })
            let short = targets.indices.filter { ranks[$0] == spectra[$0].values.count && !spectra[$0].isComplete }
            if short.isEmpty { break }
            for index in short { try spectra.grow(index, to: 2 * ranks[index]) }
        }
        return try ranks.enumerated().map { index, rank throws(Failure) in try spectra.result(index, rank: rank) }
    }

    /// Bytes of a column of B and a row of A.
    func rankByteCount(of target: LowRankTarget) throws(Failure) -> Int {
        let rows = try DifferenceRows(target)
        return (rows.rows + rows.columns) * (factorType(target).width ?? 1)
    }
}
