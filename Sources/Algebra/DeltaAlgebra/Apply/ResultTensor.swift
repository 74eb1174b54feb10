import Checkpoints
import Diagnostics
import Tensors

/// A tensor of the checkpoint that comes of a base.
struct ResultTensor: Sendable {
    let name: String
    let source: any TensorSource
    /// The base's tensor whose bytes these are; nil where they are others.
    let copyOf: Int?

    init(name: String, source: any TensorSource, copyOf: Int? = nil) {
        self.name = name
        self.source = source
        self.copyOf = copyOf
    }

    var description: ShardPlan.Description { (name, source.dtype, source.shape) }
}
