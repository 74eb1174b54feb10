package import Kernels

/// What a method does at linear layers with one input. Every step may be left out.
///
/// With x the input, the layers compute `x' = changeInput(x)`, `p = x'·Wᵀ + terms(x')`, `p = rescale(p)`, `y = p + b`,
/// `y = changeOutputs(y)`. Backward undoes the steps in reverse, each adding to the gradients of its own parameters.
package protocol ProjectionInsertion<R>: AnyObject, Sendable {
    associatedtype R: Real

    /// What it trains.
    var parameters: [Parameter<R>] { get }
    /// Whether ``changeInput(_:_:)`` does anything.
    var changesInput: Bool { get }
    /// Whether ``rescale(_:saving:_:)`` or ``changeOutputs(_:saving:_:)`` does anything.
    var changesOutputs: Bool { get }

    /// A new x [tokens, in], the same in backward as in forward.
    func changeInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R>
    /// Turns the gradient of what ``changeInput(_:_:)`` returned into that of x, in place: the last step of backward.
    func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved<R>, _ pass: Pass<R>)

    /// What is added to each linear's product.
    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]]
    /// What is added to the gradient of x, where that is needed.
    func termsBackward(
        _ x: Matrix<R>, gradients: [Matrix<R>], saved: inout Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Term<R>]

    /// Changes the products in place, before the bias is added.
    func rescale(_ products: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>)
    /// Turns gradients of what ``rescale(_:saving:_:)`` left into those of what it was given, in place.
    func rescaleBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>)

    /// Changes the outputs in place.
    func changeOutputs(_ outputs: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>)
    /// Turns gradients of what ``changeOutputs(_:saving:_:)`` left into those of what it was given, in place.
    func changeOutputsBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>)

    /// Called when the optimizer has changed the parameters.
    func parametersChanged()
}

extension ProjectionInsertion {
    package var changesInput: Bool { false }
    package var changesOutputs: Bool { false }
    package func changeInput(_ x: Matrix<R>, _ pass: Pass<R>) -> Matrix<R> { x }
    package func changeInputBackward(_ x: Matrix<R>, gradient: Matrix<R>, saved: Saved<R>, _ pass: Pass<R>) {}
    package func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] { [] }
    package func termsBackward(
        _ x: Matrix<R>, gradients: [Matrix<R>], saved: inout Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Term<R>] { [] }
    package func rescale(_ products: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>) {}
    package func rescaleBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>) {}
    package func changeOutputs(_ outputs: [Matrix<R>], saving saved: inout Saved<R>, _ pass: Pass<R>) {}
    package func changeOutputsBackward(_ gradients: [Matrix<R>], saved: Saved<R>, _ pass: Pass<R>) {}
    package func parametersChanged() {}
}

/// What insertions keep of a forward pass for its backward.
package struct Saved<R: Real>: Sendable {
    private var matrices: [ObjectIdentifier: [Matrix<R>]] = [:]

    package init() {}

    /// What this insertion keeps.
    package subscript(_ insertion: AnyObject) -> [Matrix<R>] {
        get { matrices[ObjectIdentifier(insertion)] ?? [] }
        set { matrices[ObjectIdentifier(insertion)] = newValue }
    }
}
