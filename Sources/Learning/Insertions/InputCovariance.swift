import Diagnostics
import Kernels
import Layers
import LinearAlgebra
import Parallelism

/// Watches the inputs of a projection and finds the directions in which they vary most. It changes nothing.
final class InputCovariance<R: Real>: ProjectionInsertion, @unchecked Sendable {
    /// Σ x·xᵀ and Σ x, in fp64.
    private struct Sums {
        var products: [Double]
        var inputs: [Double]
        var count = 0
    }

    private let name: String
    private let inputs: Int
    private let onlyLabeled: Bool
    private var sums: Sums?

    /// With `onlyLabeled`, tokens at which nothing is asked do not count.
    init(_ projection: Projection<R>, onlyLabeled: Bool) {
        name = projection.linears[0].path
        inputs = projection.inputs
        self.onlyLabeled = onlyLabeled
    }

    var parameters: [Parameter<R>] { [] }

    /// What it holds while it watches.
    var byteCount: Int { inputs * inputs * MemoryLayout<Double>.stride }

    func begin() {
        sums = Sums(
            products: [Double](repeating: 0, count: inputs * inputs), inputs: [Double](repeating: 0, count: inputs))
    }

    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] {
        if sums != nil { watch(onlyLabeled ? labeled(x, pass) : x, pass.engine) }
        return []
    }

    /// The sum of a pass is taken in `R`, those of passes are added up in fp64.
    private func watch(_ x: Matrix<R>, _ engine: Engine<R>) {
        let products = engine.workspace.matrix(rows: inputs, columns: inputs)
        engine.multiply(Term(x, transposed: true, x), into: products)
        let row = Matrix<R>(rows: 1, columns: inputs)
        engine.addColumnSums(of: x, into: row)
        for (place, value) in products.values.enumerated() { sums?.products[place] += Double(value) }
        for (place, value) in row.values.enumerated() { sums?.inputs[place] += Double(value) }
        sums?.count += x.rows
    }

    private func labeled(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let labeled = pass.batch.labeled
        let chosen = pass.engine.workspace.matrix(rows: labeled.count, columns: x.columns)
        for (place, row) in labeled.enumerated() {
            chosen.rows(place..<place + 1).copy(from: x.rows(row..<row + 1))
        }
        return chosen
    }

    /// The first right singular vectors of the centered inputs, at most so many, and ends watching. The largest number of
    /// each is positive.
    func end(_ rank: Int, _ engine: Engine<R>) throws(Failure) -> [[Float]] {
        guard let sums, sums.count > 1 else { return [] }
        self.sums = nil
        let width = inputs
        let covariance = MadeRows(rows: width, columns: width, name: name) { row in
            let mean = sums.inputs[row] / Double(sums.count)
            return (0..<width).map { column in
                Float((sums.products[row * width + column] - mean * sums.inputs[column]) / Double(sums.count - 1))
            }
        }
        let iteration = SubspaceIteration(
            TiledMatrix(covariance, cacheBytes: 1 << 26), random: CounterRandom(seed: 0, name: name),
            lanes: Lanes(count: engine.threads))
        let found = try iteration.approximate(rank: rank)
        return (0..<min(rank, found.values.count)).map { k in
            let vector = (0..<width).map { found.right[$0, k] }
            let largest = vector.max { $0.magnitude < $1.magnitude } ?? 0
            return largest < 0 ? vector.map { -$0 } : vector
        }
    }
}
