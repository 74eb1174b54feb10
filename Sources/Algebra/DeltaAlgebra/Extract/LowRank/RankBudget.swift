/// How a number of bytes is shared among the singular values of many tensors.
struct RankBudget {
    /// What one tensor's ranks cost and give.
    struct Candidate {
        /// Bytes of one rank.
        let cost: Int
        /// The singular values, descending, as far as they are known.
        let values: [Double]
    }

    let bytes: Int

    /// The rank of each tensor: greedy by σ² a byte, largest first, but never worse than one rank for all.
    func ranks(_ candidates: [Candidate]) -> [Int] {
        let greedy = greedyRanks(candidates)
        let uniform = uniformRanks(candidates)
        return Self.power(candidates, uniform) > Self.power(candidates, greedy) ? uniform : greedy
    }

    /// The largest rank that all tensors can have.
    func uniformRank(costs: [Int]) -> Int {
        let (total, overflow) = costs.reduce((0, false)) { sum, cost in
            let (partial, overflow) = sum.0.addingReportingOverflow(cost)
            return (partial, sum.1 || overflow)
        }
        return overflow || total == 0 ? 0 : bytes / total
    }

    private func greedyRanks(_ candidates: [Candidate]) -> [Int] {
        var items: [(gain: Double, tensor: Int)] = []
        for (tensor, candidate) in candidates.enumerated() {
            for value in candidate.values where value > 0 {
                items.append((value * value / Double(candidate.cost), tensor))
            }
        }
        items.sort { $0.gain == $1.gain ? $0.tensor < $1.tensor : $0.gain > $1.gain }
        var ranks = [Int](repeating: 0, count: candidates.count)
        var left = bytes
        for item in items where candidates[item.tensor].cost <= left {
            left -= candidates[item.tensor].cost
            ranks[item.tensor] += 1
        }
        return ranks
    }

    private func uniformRanks(_ candidates: [Candidate]) -> [Int] {
        let rank = uniformRank(costs: candidates.map(\.cost))
        return candidates.map { min(rank, $0.values.count) }
    }

    private static func power(_ candidates: [Candidate], _ ranks: [Int]) -> Double {
        zip(candidates, ranks).reduce(0) { sum, pair in
            pair.0.values.prefix(pair.1).reduce(sum) { $0 + $1 * $1 }
        }
    }
}
