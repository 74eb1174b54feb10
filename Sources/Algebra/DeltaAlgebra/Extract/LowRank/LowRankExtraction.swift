package import Diagnostics
import LinearAlgebra
package import Parallelism
package import Tensors

/// Takes the changes of many tensors as products of thin matrices (`Spec/deltas.md`, "Low rank").
///
/// Tensors come one after the other, all lanes on each. What comes out depends on the goal, the seed, the names and the
/// tensors, and on whether the processor has fused multiply-adds; not on lanes and memory.
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

    func work(on target: LowRankTarget) throws(Failure) -> LowRankWork {
        let rows = try DifferenceRows(target)
        // Panels and what is kept of other tensors get the other half.
        let matrix = TiledMatrix(rows, cacheBytes: memory.bytes / 2)
        return LowRankWork(
            name: target.name, matrix: matrix, dtype: factorType(target),
            iteration: SubspaceIteration(matrix, random: CounterRandom(seed: seed, name: target.name), lanes: lanes),
            lanes: lanes)
    }

    func factorType(_ target: LowRankTarget) -> DType {
        dtype ?? (target.base.dtype == .f32 ? .f32 : .bf16)
    }
}
