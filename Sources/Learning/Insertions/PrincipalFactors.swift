import Diagnostics
import Kernels
import Layers
import LinearAlgebra
import Parallelism

/// PiSSA (Meng et al., 2024): factors begin with the largest singular values of the weight, B₀ = U·√(Σ/s) and
/// A₀ = √(Σ/s)·Vᵀ, and train beside what is left, W − s·B₀·A₀.
struct PrincipalFactors<R: Real>: Sendable {
    let a: Matrix<R>
    let b: Matrix<R>

    /// Vectors that change less from one call of the iteration to the next are taken for settled.
    private static var precision: Double { 2e-6 }
    /// Each of them three passes or more; some weights have vectors that do not settle.
    private static var mostCalls: Int { 8 }

    /// Those of a linear; fewer than `rank` where its weight has a smaller one.
    init(of linear: Linear<R>, rank: Int, scale: R, _ engine: Engine<R>) throws(Failure) {
        let weight = linear.weight.weight
        // Of a weight [in, out] the rows are its columns.
        let turned = linear.isTransposed ? weight.widened() : nil
        let rows = MadeRows(rows: linear.outputs, columns: linear.inputs, name: linear.weight.name) { row in
            guard let turned else { return weight.rows(row..<row + 1).widened().values.map { Float($0) } }
            return (0..<linear.inputs).map { Float(turned[$0, row]) }
        }
        let iteration = SubspaceIteration(
            TiledMatrix(rows, cacheBytes: 1 << 26), random: CounterRandom(seed: 0, name: linear.weight.name),
            lanes: Lanes(count: engine.threads))
        var found = try iteration.approximate(rank: rank)
        for _ in 1..<Self.mostCalls {
            let before = found
            found = try iteration.approximate(rank: rank)
            if Self.distance(before, found) < Self.precision { break }
        }
        let roots = found.values.map { ($0 / Double(scale)).squareRoot() }
        a = Matrix(
            rows: roots.count, columns: linear.inputs,
            roots.enumerated().flatMap { k, root in
                (0..<linear.inputs).map { R(root * Double(found.right[$0, k])) }
            })
        b = Matrix(
            rows: linear.outputs, columns: roots.count,
            (0..<linear.outputs).flatMap { row in
                roots.enumerated().map { k, root in R(root * Double(found.left[row, k])) }
            })
    }

    /// How far the right vectors of two approximations are from each other at most, but for their signs.
    private static func distance(_ a: Approximation, _ b: Approximation) -> Double {
        guard a.values.count == b.values.count else { return .infinity }
        return a.values.indices.reduce(0) { farthest, k in
            var (apart, together) = (0.0, 0.0)
            for row in 0..<a.right.rows {
                let (x, y) = (Double(a.right[row, k]), Double(b.right[row, k]))
                apart += (x - y) * (x - y)
                together += (x + y) * (x + y)
            }
            return max(farthest, min(apart, together).squareRoot())
        }
    }
}
