package import Diagnostics

/// The arithmetic of one merged tensor: what must be known of all of it first, and then that of its elements.
package protocol TensorMerger: Sendable {
    /// Whether blocks must consist of whole rows.
    var needsRows: Bool { get }

    /// Looks at as much of the tensors as is needed before the first element of the result can be computed.
    func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger
}

extension TensorMerger {
    package var needsRows: Bool { false }
}

/// A merger that needs to see nothing beforehand.
package protocol DirectMerger: TensorMerger, ElementMerger {}

extension DirectMerger {
    package func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger { self }
}

/// Computes elements of the result from those of the models.
package protocol ElementMerger: Sendable {
    /// Fills the block's result; its inputs may be changed.
    func merge(_ block: MergeBlock)
}
