import Diagnostics
import LinearAlgebra
import Tensors

/// The singular values of one target's change, and its best factors of any rank.
struct TargetSpectrum {
    let target: TargetOfAdapters
    private let dtype: DType
    private let changes: [ThinFactors]
    private let space: CoreSpace
    private let values: SingularValues

    /// - Parameter dtype: Of the factors; nil for that of those that are there.
    init(_ target: TargetOfAdapters, dtype: DType?) throws(Failure) {
        self.target = target
        let own = target.entries.flatMap(\.self)
        let stored = own.map(\.dtype).max { $0.bits < $1.bits } ?? .f32
        self.dtype = dtype ?? (FloatElements.canHold(stored) ? stored : .f32)
        let changes = try target.read()
        self.changes = changes.flatMap(\.self)
        space = CoreSpace(changes, form: target.form)
        values = SingularValues(space.sum([Double](repeating: 1, count: changes.count)))
    }

    /// Values that are no rounding, descending.
    var significant: [Double] { Array(values.values.prefix(values.rank(above: CoreSpace.precision))) }

    /// Bytes of a column of B and a row of A.
    var rankByteCount: Int { (target.form.outputs + target.form.columns) * (dtype.width ?? 1) }

    private var power: Double { values.values.reversed().reduce(0) { $0 + $1 * $1 } }

    /// The `rank` largest values, fewer where there are fewer.
    func cut(to rank: Int) throws(Failure) -> ResizedTarget {
        let rank = min(rank, significant.count)
        let power = power
        guard rank > 0 else {
            return ResizedTarget(target: target, factors: nil, squaredDistance: power, power: power)
        }
        let factors = try RoundedFactors(space.factors(values, rank: rank), dtype: dtype)
        return ResizedTarget(
            target: target, factors: factors, squaredDistance: squaredDistance(to: factors.meaning), power: power)
    }

    /// The smallest rank whose stored factors leave at most `share` of the squared norm.
    func reach(_ share: Double) throws(Failure) -> ResizedTarget {
        let (power, most) = (power, significant.count)
        // What rounding of fp64 leaves of an exact sum is no reason for another rank.
        let allowed = max(share, 0x1p-46)
        var tails = [Double](repeating: 0, count: most + 1)
        tails[most] = values.values.dropFirst(most).reversed().reduce(0) { $0 + $1 * $1 }
        for rank in (0..<most).reversed() { tails[rank] = tails[rank + 1] + values.values[rank] * values.values[rank] }
        var rank = tails.firstIndex { $0 <= allowed * power } ?? most
        while true {
            let result = try cut(to: rank)
            if result.squaredDistance <= allowed * power { return result }
            // Rounding the factors takes a little of what they explain, which another rank makes good.
            guard rank < most, tails[rank] >= share / 4 * power else { throw beyondReach }
            rank = min(most, rank + max(1, rank / 16))
        }
    }

    private var beyondReach: Failure {
        Failure(
            .usage, "factors of \(dtype.name) cannot come as close to the change as is asked for", object: target.name,
            hint: dtype == .f32 ? "ask for less" : "--dtype f32, or ask for less")
    }

    /// ‖D − B·A‖², by inner products of the factors of both: exact to some 2⁻⁴⁸ of ‖D‖².
    private func squaredDistance(to pair: FactorPair) -> Double {
        let own = pair.a.timesTransposed(pair.a).dot(pair.b.timesTransposed(pair.b))
        let mixed = changes.reduce(0) { sum, change in
            sum + change.scale * change.a.timesTransposed(pair.a).dot(change.b.timesTransposed(pair.b))
        }
        return max(0, power - 2 * mixed + own)
    }
}

/// One target after it was resized.
struct ResizedTarget: Sendable {
    let target: TargetOfAdapters
    /// Nil where rank 0 is what was wanted.
    let factors: RoundedFactors?
    /// ‖D − B·A‖², of the numbers as they are stored.
    let squaredDistance: Double
    /// ‖D‖².
    let power: Double

    var rank: Int { factors?.rank ?? 0 }

    var report: ResizeJob.Report.Target {
        ResizeJob.Report.Target(
            name: target.name, oldRank: target.ranks.reduce(0, +), rank: rank,
            relativeError: power > 0 ? (squaredDistance / power).squareRoot() : 0,
            oldBytes: target.entries.joined().reduce(0) { $0 + $1.byteCount },
            bytes: factors?.byteCount ?? 0)
    }
}
