import Kernels
import Layers
import LinearAlgebra

/// Leaves a share of an insertion's inputs out while training. What it draws depends on the module's name, the step and the
/// number's place in the step's batch, so that backward draws the same.
struct Dropout<R: Real>: Sendable {
    private let rate: R
    private let name: String

    init(_ rate: Double, name: String) {
        self.rate = R(rate)
        self.name = name
    }

    func isActive(_ pass: Pass<R>) -> Bool { rate > 0 && pass.dropoutKey != nil }

    /// x itself where nothing is left out.
    func callAsFunction(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        guard isActive(pass), let key = pass.dropoutKey else { return x }
        let kept = pass.matrix(columns: x.columns)
        pass.engine.dropout(
            x, rate: rate, key: CounterRandom.key(key, name), firstPlace: pass.batch.firstToken * x.columns, into: kept)
        return kept
    }
}
