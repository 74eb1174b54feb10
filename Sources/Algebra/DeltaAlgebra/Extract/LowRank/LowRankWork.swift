import Diagnostics
import LinearAlgebra
import Parallelism
import Tensors

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
            guard !found.isComplete, let least = found.values.last else { throw beyondReach }
            // No further value is larger than the last, so fewer than this many cannot do.
            let missing = max(0, found.tail(after: wanted) - share * found.power) / max(least * least, 1e-300)
            wanted = max(2 * wanted, wanted + Int(min(missing, 0x1p31)))
        }
    }

    private var beyondReach: Failure {
        Failure(
            .usage, "factors of \(dtype.name) cannot come as close to the change as is asked for", object: name,
            hint: dtype == .f32 ? "extract it without loss: --kind exact" : "ask for factors of F32, or for less")
    }

    /// What is said of a tensor without factors.
    func nothing(power: Double) -> LowRankResult {
        LowRankResult(
            name: name, factors: nil, singularValues: [], relativeError: power == 0 ? 0 : 1, power: power)
    }

    /// The factors of the first `rank` vectors, and their error.
    func result(_ approximation: Approximation, rank: Int) throws(Failure) -> LowRankResult {
        if rank == 0 { return nothing(power: approximation.power) }
        let stored = try StoredFactors(approximation, rank: rank, dtype: dtype)
        let distance = try stored.squaredDistance(to: matrix, lanes)
        return LowRankResult(
            name: name, factors: LowRankResult.Factors(b: stored.b, a: stored.a, rank: rank),
            singularValues: Array(approximation.values.prefix(rank)),
            relativeError: (distance / approximation.power).squareRoot(), power: approximation.power)
    }
}
