package import Diagnostics
package import Kernels

/// What a method begins with that it finds in data: before the first step the same batches pass through the model, round by
/// round, so that what is gathered of all layers need not be held at once.
package protocol DataInitialization<R>: AnyObject, Sendable {
    associatedtype R: Real

    /// Watches the passes from now on. False where there is nothing left to find.
    func beginRound() -> Bool
    /// Sets the parameters that it has seen enough for.
    func endRound(_ engine: Engine<R>) throws(Failure)
}
