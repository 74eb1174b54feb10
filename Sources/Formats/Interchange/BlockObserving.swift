package import Tensors

/// Makes what sees every block of a transfer, given its tensors in the order of the file; nil for nobody.
package typealias BlockObserving = @Sendable (_ sources: [any TensorSource]) -> (any BlockObserver)?
