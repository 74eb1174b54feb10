package import Diagnostics
import LinearAlgebra
package import Parallelism
package import Tensors

/// Takes the changes of many tensors as products of thin matrices (`Spec/deltas.md`, "Low rank").
///
/// Tensors come one after the other, all lanes on each. What comes out depends on the goal, the seed, the names and the
/// tensors, and on the instruction set; not on lanes and memory.
package struct LowRankExtraction: Sendable {
    package let goal: LowRankGoal
    /// Of the factors; nil for bf16 where the base has 16 bits, fp32 where it has 32.
    package let dtype: DType?
    package let seed: UInt64
    package let lanes: Lanes
    package let memory: MemoryBudget

    package init(
        goal: LowRankGoal, dtype: DType? = nil, seed: UInt64 = 0, lanes: Lanes, memory: MemoryBudget = .standard
    ) {
        self.goal = goal
        self.dtype = dtype
        self.seed = seed
        self.lanes = lanes
        self.memory = memory
    }

    /// One result for each target, in their order.
    ///
    /// Throws ``Failure/Code/kindShape`` naming the tensor where a change is not finite, and ``Failure/Code/usage`` where
    /// the dtype of the factors cannot hold what is asked for.
    package func run(_ targets: [LowRankTarget]) throws(Failure) -> [LowRankResult] {
        switch goal {
        case .budget(let bytes): return try spend(bytes, on: targets)
        default: break
        }
        var results: [LowRankResult] = []
        for target in targets {
            let work = try work(on: target)
            do throws(Failure) {
                switch goal {
                case .energy(let share): results.append(try work.reach(1 - share))
                case .error(let error): results.append(try work.reach(error * error))
                case .rank(let rank), .budget(let rank):
                    let found = try work.iteration.approximate(rank: rank)
                    results.append(try work.result(found, rank: found.values.count))
                }
            } catch {
                throw error.on(target.name)
            }
        }
        return results
    }

    private func work(on target: LowRankTarget) throws(Failure) -> LowRankWork {
        let rows = try DifferenceRows(target)
        // Panels, their sums and factors get the other half.
        let matrix = TiledMatrix(rows, cacheBytes: memory.bytes / 2)
        return LowRankWork(
            name: target.name, matrix: matrix, dtype: factorType(target),
            iteration: SubspaceIteration(matrix, random: CounterRandom(seed: seed, name: target.name), lanes: lanes),
            lanes: lanes)
    }

    private func factorType(_ target: LowRankTarget) -> DType {
        dtype ?? (target.base.dtype == .f32 ? .f32 : .bf16)
    }

    // MARK: Budget

    /// Finds the singular values of all tensors, more of them where they prove worth their bytes, then shares the bytes.
    private func spend(_ bytes: Int, on targets: [LowRankTarget]) throws(Failure) -> [LowRankResult] {
        let budget = RankBudget(bytes: bytes)
        var costs: [Int] = []
        for target in targets {
            let rows = try DifferenceRows(target)
            costs.append((rows.rows + rows.columns) * (factorType(target).width ?? 1))
        }
        let first = max(8, 2 * budget.uniformRank(costs: costs))
        var found: [Approximation?] = Array(repeating: nil, count: targets.count)
        var wanted = Array(repeating: min(first, 1 << 20), count: targets.count)
        var ranks: [Int] = []
        while true {
            for index in targets.indices where wanted[index] > 0 {
                let work = try work(on: targets[index])
                if let before = found[index] { work.iteration.resume(from: before) }
                found[index] = try work.iteration.approximate(rank: wanted[index])
            }
            let known = found.compactMap(\.self)
            ranks = budget.ranks(zip(costs, known).map { RankBudget.Candidate(cost: $0, values: $1.values) })
            for index in targets.indices {
                let isShort = ranks[index] == known[index].values.count && !known[index].isComplete
                wanted[index] = isShort ? 2 * known[index].values.count : 0
            }
            if wanted.allSatisfy({ $0 == 0 }) { break }
        }
        var results: [LowRankResult] = []
        for (index, approximation) in found.compactMap(\.self).enumerated() {
            let work = try work(on: targets[index])
            results.append(try work.result(approximation, rank: ranks[index]))
        }
        return results
    }
}

/// One tensor's change while it is worked on.
struct LowRankWork {
    let name: String
    let matrix: TiledMatrix
    let dtype: DType
    let iteration: SubspaceIteration
    let lanes: Lanes

    /// The smallest rank whose stored factors leave at most `share` of the squared norm.
    func reach(_ share: Double) throws(Failure) -> LowRankResult {
        var wanted = 16
        while true {
            let found = try iteration.approximate(rank: wanted)
            if var rank = (0...found.values.count).first(where: { found.tail(after: $0) <= share * found.power }) {
                // Rounding the factors takes a little of what they explain, which another rank makes good.
                while rank <= found.values.count {
                    let result = try result(found, rank: rank)
                    if result.relativeError * result.relativeError <= share { return result }
                    if found.tail(after: rank) < share / 4 * found.power { throw beyondReach }
                    rank += max(1, rank / 16)
                }
            }
            if found.isComplete { throw beyondReach }
            wanted *= 2
        }
    }

    private var beyondReach: Failure {
        Failure(
            .usage, "factors of \(dtype.name) cannot come as close to the change as is asked for", object: name,
            hint: dtype == .f32 ? "extract it without loss: --kind exact" : "ask for factors of F32, or for less")
    }

    func result(_ approximation: Approximation, rank: Int) throws(Failure) -> LowRankResult {
        guard rank > 0 else {
            return LowRankResult(
                name: name, factors: nil, singularValues: [], relativeError: approximation.power == 0 ? 0 : 1,
                power: approximation.power)
        }
        let stored = try StoredFactors(approximation, rank: rank, dtype: dtype)
        let distance = try stored.squaredDistance(to: matrix, lanes)
        return LowRankResult(
            name: name, factors: LowRankResult.Factors(b: stored.b, a: stored.a, rank: rank),
            singularValues: Array(approximation.values.prefix(rank)),
            relativeError: (distance / approximation.power).squareRoot(), power: approximation.power)
    }
}
