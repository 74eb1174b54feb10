import Kernels
import Layers
import Support

/// x + up(gelu(down(x))) at a sub-layer (Houlsby et al., 2019): the smallest thing that uses all of the site.
final class Bottleneck<R: Real>: SubLayerInsertion, @unchecked Sendable {
    enum Place: String, CaseIterable {
        /// What the sub-layer made is changed.
        case output
        /// What it is given is changed.
        case input
        /// What it is given goes through the bottleneck too, and is added to what it made (He et al., 2022).
        case beside
    }

    /// [b, d] and [d, b].
    let down: Parameter<R>
    let up: Parameter<R>
    private let place: Place

    /// Where `startsAtZero`, nothing is changed at first.
    init(_ site: SubLayerSite<R>, _ place: Place, startsAtZero: Bool = false) {
        self.place = place
        var random = RepeatableRandom(seed: UInt64(site.path.utf8.reduce(7) { ($0 &* 31 &+ UInt32($1)) % 65521 }))
        func numbers(_ rows: Int, _ columns: Int) -> Matrix<R> {
            Matrix(
                rows: rows, columns: columns,
                (0..<rows * columns).map { _ in R(Double.random(in: -0.3...0.3, using: &random)) })
        }
        down = Parameter(name: site.path + ".down", numbers(3, site.width))
        up = Parameter(
            name: site.path + ".up", startsAtZero ? Matrix(rows: site.width, columns: 3) : numbers(site.width, 3))
    }

    var parameters: [Parameter<R>] { [down, up] }
    var changesInput: Bool { place == .input }
    var changesOutput: Bool { place != .input }

    func changeInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let changed = pass.matrix(columns: x.columns)
        changed.copy(from: x)
        add(x, to: changed, pass)
        return changed
    }

    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, _ pass: Pass<R>) {
        guard place == .input else { return }
        pass.engine.add(backward(x, gradient, pass), into: gradient)
    }

    func changeOutput(_ y: Matrix<R>, input x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) {
        guard place == .output else { return add(x, to: y, pass) }
        let kept = pass.matrix(columns: y.columns)
        kept.copy(from: y)
        saved[self] = [kept]
        add(kept, to: y, pass)
    }

    func changeOutputBackward(
        _ gradient: Matrix<R>, input x: Matrix<R>, saved: Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> Matrix<R>? {
        guard place == .output else { return backward(x, gradient, pass) }
        pass.engine.add(backward(saved[self][0], gradient, pass), into: gradient)
        return nil
    }

    private func inner(_ x: Matrix<R>, _ pass: Pass<R>) -> (before: Matrix<R>, after: Matrix<R>) {
        let (before, after) = (pass.matrix(columns: 3), pass.matrix(columns: 3))
        pass.engine.multiply(Term(x, down.value, transposed: true), into: before)
        pass.engine.gelu(before, .tanh, into: after)
        return (before, after)
    }

    private func add(_ x: Matrix<R>, to y: Matrix<R>, _ pass: Pass<R>) {
        pass.engine.multiply([Term(inner(x, pass).after, up.value, transposed: true)], from: .accumulate, into: y)
    }

    /// The gradient of x, given that of what was added.
    private func backward(_ x: Matrix<R>, _ gradient: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        let engine = pass.engine
        let (before, after) = inner(x, pass)
        engine.multiply([Term(gradient, transposed: true, after)], from: .accumulate, into: up.gradient)
        let inward = pass.matrix(columns: 3)
        engine.multiply(Term(gradient, up.value), into: inward)
        engine.geluBackward(before, .tanh, gradient: inward, into: inward)
        engine.multiply([Term(inward, transposed: true, x)], from: .accumulate, into: down.gradient)
        let inputGradient = pass.matrix(columns: x.columns)
        engine.multiply(Term(inward, down.value), into: inputGradient)
        return inputGradient
    }
}
