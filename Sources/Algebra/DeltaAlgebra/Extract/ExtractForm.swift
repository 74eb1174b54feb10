package import Tensors

/// What a delta between two checkpoints is to be made of.
package enum ExtractForm: Sendable {
    case lossless(LosslessForm)
    case lossy(LossyOptions)
}

/// How the changes of a lossless delta are stored.
package enum LosslessForm: Sendable {
    /// Whatever is shortest, tensor by tensor.
    case shortest
    /// A difference for every element.
    case exact
    /// Only the elements that changed.
    case sparse
}

/// How an approximate delta is to be taken.
package struct LossyOptions: Sendable {
    package enum Form: Sendable {
        /// Products of thin matrices, which go to PEFT.
        case lora(LowRankGoal)
        /// One bit for every weight, and a scale.
        case signs
        /// For each tensor the best of all forms.
        case mixed(MixedGoal)
    }

    package var form: Form
    /// Names of modules, or the ends of their paths, as PEFT's `target_modules`; nil for all matrices.
    package var targetModules: [String]?
    /// Of factors; nil for what suits the base.
    package var dtype: DType?
    package var seed: UInt64 = 0
    /// Also store what is left out, so that the tuned checkpoint comes back bit for bit.
    package var hasResidual = false

    package init(_ form: Form) {
        self.form = form
    }
}

/// What a mixture of forms is to reach over all tensors together.
package enum MixedGoal: Hashable, Sendable {
    /// At most so many bytes: factors and signs before they are coded, what is lossless after it.
    case budget(Int)
    /// At most this error, relative to the Frobenius norm of the whole change.
    case error(Double)
}
