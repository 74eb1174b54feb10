package import Kernels

/// What makes numbers that layers use out of those that are trained, such as an MLP that makes a prefix. To layers what it
/// makes is a ``Parameter`` like any other.
package protocol ParameterSource<R>: AnyObject, Sendable {
    associatedtype R: Real

    /// Makes the numbers. Called at the beginning of every pass, with the same result in all passes of a step.
    func make(_ engine: Engine<R>)
    /// Turns the gradients of what it made into those of what is trained, and sets the former to zero. Called when all passes
    /// of a step have added to them: summed pass by pass, they would come in an order that depends on how the batch was
    /// split.
    func makeBackward(_ engine: Engine<R>)
}

/// The sources of a model.
package final class ParameterSources<R: Real>: @unchecked Sendable {
    private var all: [any ParameterSource<R>] = []

    package init() {}

    package func add(_ source: any ParameterSource<R>) {
        all.append(source)
    }

    package func make(_ engine: Engine<R>) {
        for source in all { source.make(engine) }
    }

    package func makeBackward(_ engine: Engine<R>) {
        for source in all { source.makeBackward(engine) }
    }
}
