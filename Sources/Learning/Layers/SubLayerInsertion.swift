package import Kernels

/// What a method does at a sub-layer, which is an attention or an MLP. Every step may be left out.
///
/// With x what the norm before it gave, or the residual stream itself, and r that stream, the block computes
/// `x' = changeInput(x)`, `y = layer(x')`, `y = changeOutput(y)`, `r + y`. Backward undoes the steps in reverse, each adding to the gradients of its own parameters.
package protocol SubLayerInsertion<R>: AnyObject, Sendable {
    associatedtype R: Real

    /// What it trains.
    var parameters: [Parameter<R>] { get }
    /// Whether ``changeInput(_:_:)`` does anything.
    var changesInput: Bool { get }
    /// Whether ``changeOutput(_:input:saving:_:)`` does anything.
    var changesOutput: Bool { get }

    /// A new x [tokens, d], the same in backward as in forward.
    func changeInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R>
    /// Turns the gradient of what ``changeInput(_:_:)`` made of x into that of x, in place.
    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, _ pass: Pass<R>)

    /// Changes y [tokens, d] in place; x is what the layer is given.
    func changeOutput(_ y: Matrix<R>, input x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>)
    /// Turns the gradient of what ``changeOutput(_:input:saving:_:)`` left into that of what it was given, in place. Returns
    /// what is added to that of x, if anything, where `needsInputGradient` says that it is wanted.
    func changeOutputBackward(
        _ gradient: Matrix<R>, input x: Matrix<R>, saved: Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> Matrix<R>?
}

extension SubLayerInsertion {
    package var changesInput: Bool { false }
    package var changesOutput: Bool { false }
    package func changeInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> { x }
    package func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, _ pass: Pass<R>) {}
    package func changeOutput(_ y: Matrix<R>, input x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) {}
    package func changeOutputBackward(
        _ gradient: Matrix<R>, input x: Matrix<R>, saved: Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> Matrix<R>? { nil }
}

/// Where methods put themselves before and after a sub-layer.
package final class SubLayerSite<R: Real>: @unchecked Sendable {
    /// The module's path, such as `model.layers.0.mlp`.
    package let path: String
    /// How many numbers a token has, before it and after it.
    package let width: Int
    private var insertions: [any SubLayerInsertion<R>] = []

    package init(path: String, width: Int) {
        self.path = path
        self.width = width
    }

    package func insert(_ insertion: any SubLayerInsertion<R>) {
        insertions.append(insertion)
    }

    var isEmpty: Bool { insertions.isEmpty }
    var changesOutput: Bool { insertions.contains { $0.changesOutput } }
    var isTrained: Bool { insertions.contains { !$0.parameters.isEmpty } }
    /// Whether gradients are wanted from below the layer for insertions before it.
    var isTrainedBelow: Bool { insertions.contains { $0.changesInput && !$0.parameters.isEmpty } }

    /// What the layer is given for x.
    func changedInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> {
        insertions.reduce(x) { $1.changesInput ? $1.changeInput($0, pass) : $0 }
    }

    /// Turns the gradient of what the layer was given into that of x, in place.
    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, _ pass: Pass<R>) {
        var inputs = [x]
        let changing = insertions.filter { $0.changesInput }
        for insertion in changing.dropLast() { inputs.append(insertion.changeInput(inputs[inputs.count - 1], pass)) }
        for (insertion, input) in zip(changing, inputs).reversed() {
            insertion.changeInputBackward(input, gradient: gradient, pass)
        }
    }

    func changeOutput(_ y: Matrix<R>, input x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) {
        for insertion in insertions where insertion.changesOutput {
            insertion.changeOutput(y, input: x, saving: &saved, pass)
        }
    }

    /// Turns the gradient in place; what is returned is added to that of x.
    func changeOutputBackward(
        _ gradient: Matrix<R>, input x: Matrix<R>, saved: Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Matrix<R>] {
        insertions.reversed().compactMap { insertion in
            guard insertion.changesOutput else { return nil }
            return insertion.changeOutputBackward(
                gradient, input: x, saved: saved, needsInputGradient: needsInputGradient, pass)
        }
    }
}
