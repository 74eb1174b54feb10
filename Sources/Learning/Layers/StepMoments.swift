package import Kernels

/// What a method does once a step, besides its part in the passes.
package protocol StepMoments<R>: AnyObject, Sendable {
    associatedtype R: Real

    /// What it goes on from in the next step, besides the parameters: kept with the state of a run.
    var state: [Matrix<R>] { get }

    /// Adds the gradient of a term of the loss that depends on the parameters alone, and gives that term. Called when the
    /// gradients of all passes of a step are there.
    @discardableResult
    func addLoss(_ engine: Engine<R>) -> Double

    /// Called when the optimizer has changed the parameters; their gradients are still those that it was given. Steps count
    /// from 1.
    func parametersChanged(inStep step: Int)
}
