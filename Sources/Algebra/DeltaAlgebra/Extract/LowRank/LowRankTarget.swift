package import Tensors

/// A tensor whose change is to be stored as a product of two thin matrices.
///
/// Both sources have one shape of two or more dimensions, [m, n] or [out, in, k…], which is seen as [out, in·k…], and
/// elements of bf16, fp16 or fp32.
package struct LowRankTarget: Sendable {
    package let name: String
    package let base: any TensorSource
    package let tuned: any TensorSource

    package init(name: String, base: any TensorSource, tuned: any TensorSource) {
        self.name = name
        self.base = base
        self.tuned = tuned
    }
}

/// How close a product is to come to a change, or how large it may be.
package enum LowRankGoal: Hashable, Sendable {
    /// So many columns for each tensor, fewer where the change has fewer.
    case rank(Int)
    /// At least this share of the squared Frobenius norm of each tensor's change: 0.95 leaves a twentieth out.
    case energy(Double)
    /// At most this error of each tensor, relative to the Frobenius norm of its change.
    case error(Double)
    /// At most so many bytes of factors over all tensors, spent where they explain most of the squared norm.
    case budget(Int)
}

/// The factors of one tensor's change, and how good they are.
package struct LowRankResult: Sendable {
    package struct Factors: Sendable {
        /// B, [m, r].
        package let b: TensorBuffer
        /// A, [r, n].
        package let a: TensorBuffer
        package let rank: Int
    }

    package let name: String
    /// Nil where rank 0 is what was wanted: the tensors are equal, or the budget was better spent elsewhere.
    package let factors: Factors?
    /// Those that are in the factors, descending.
    package let singularValues: [Double]
    /// ‖D − B·A‖ / ‖D‖ with the Frobenius norm, of the factors as they are stored; 0 where D is zero.
    package let relativeError: Double
    /// ‖D‖².
    package let power: Double
}
