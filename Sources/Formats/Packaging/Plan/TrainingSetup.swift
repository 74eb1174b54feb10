package import Tensors

/// How a model is to be trained, as far as memory depends on it.
package struct TrainingSetup: Hashable, Sendable {
    /// Of the base's weights, of its gradients where it is trained itself, and of what is kept for the backward pass.
    package var dtype = DType.f32
    package var optimizer = Optimizer.adamW
    /// Rows of a batch, and tokens of a row.
    package var batchSize = 1
    package var length = 512
    /// Whether only the inputs of blocks are kept for the backward pass.
    package var checkpoints = false
    /// Whether the base's linear layers lie in memory as NF4 with double quantization.
    package var quantizesBase = false

    package init() {}

    /// What an optimizer remembers of every number that it changes, in fp32.
    package enum Optimizer: String, Sendable, CaseIterable {
        /// Two averages.
        case adamW = "adamw"
        /// Sums of rows and of columns of each matrix (Shazeer and Stern, Adafactor, 2018); without momentum.
        case adafactor
        /// One average.
        case lion
        /// One average.
        case momentum
        /// Nothing.
        case sgd
    }
}
