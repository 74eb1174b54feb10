package import Checkpoints
package import Diagnostics
import JSON
package import Parallelism
package import Tensors

/// A model that takes part in a merge: a checkpoint, or one with adapters on it that are applied as it is read.
package struct MergeModel: Sendable {
    package struct Tensor: Sendable {
        package let name: String
        /// With adapters these are the sums before they are rounded, in fp32.
        package let source: any TensorSource
        /// What it would be rounded to: that of the checkpoint.
        package let dtype: DType

        package init(name: String, source: any TensorSource, dtype: DType) {
            self.name = name
            self.source = source
            self.dtype = dtype
        }
    }

    /// As the recipe names it, for messages.
    package let path: String
    package let checkpoint: Checkpoint
    package let adapters: [WeightedAdapter]
    /// In the order of their names' bytes.
    package let tensors: [Tensor]
    package let findings: [Finding]
    private let numbers: [ExactKey: Int]
    private let plan: ResultPlan?

    /// Throws what applying the adapters would: ``Failure/Code/baseIncompatible``, ``Failure/Code/notMergeable``.
    ///
    /// - Parameter findings: What was found of the adapters where they were opened.
    package init(
        _ checkpoint: Checkpoint, adapters: [WeightedAdapter] = [], path: String, findings: [Finding] = []
    ) throws(Failure) {
        self.path = path
        self.checkpoint = checkpoint
        self.adapters = adapters
        if adapters.isEmpty {
            plan = nil
            tensors = checkpoint.tensors.map { Tensor(name: $0.name, source: $0.source, dtype: $0.dtype) }
            self.findings = checkpoint.findings + findings
        } else {
            let watch = BaseWatch(checkpoint, isWatching: false)
            let rounded = try ResultPlan(adapters, onto: watch, dtype: nil)
            let exact = try ResultPlan(adapters, onto: watch, dtype: .f32)
            plan = exact
            tensors = zip(rounded.tensors, exact.tensors).map { rounded, exact in
                let isSum = rounded.source is UpdatedTensor
                return Tensor(
                    name: rounded.name, source: isSum ? exact.source : rounded.source, dtype: rounded.source.dtype)
            }
            self.findings = checkpoint.findings + findings + exact.findings
        }
        numbers = Dictionary(
            tensors.enumerated().map { (ExactKey($1.name), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The tensor with exactly this name.
    package func tensor(named name: String) -> Tensor? { numbers[ExactKey(name)].map { tensors[$0] } }

    /// The most bytes that its adapters take while tensors are read, beyond the buffers that every lane has.
    package func memory(lanes: Lanes) -> Int { plan?.memory(lanes: lanes) ?? 0 }
}
