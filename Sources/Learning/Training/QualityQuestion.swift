package import Adapters
import Architectures
package import Checkpoints
package import Diagnostics
import Kernels
import Layers
import Networks
package import Parallelism

/// How good an adapter is on a base, on data.
package struct QualityQuestion: Sendable {
    package let base: Checkpoint
    package let data: EvaluationData
    package let lanes: Lanes

    package init(base: Checkpoint, data: EvaluationData, lanes: Lanes) {
        self.base = base
        self.data = data
        self.lanes = lanes
    }

    /// Of the base alone where there is no adapter.
    package func evaluate(_ adapter: Adapter?) throws(Failure) -> Evaluation {
        let engine = Engine<Float>(lanes)
        let model: Network<Float>
        if let adapter {
            model = try TrainedModel(base, adapter, length: data.longestRow, engine).network
        } else {
            model = try Network(
                NetworkArchitecture(of: base, task: data.task, labels: data.labels), WeightStore(base),
                length: data.longestRow)
            guard model.sites.saved.madePaths.isEmpty else {
                throw Failure(
                    .baseIncompatible, "the base has no head for this task, and there is no adapter that has one",
                    object: model.sites.saved.madePaths.joined(separator: ", "), path: base.path)
            }
        }
        let batches = Packing.batches(of: data.rows, tokensPerPass: 256, virtualTokens: model.virtualTokens)
        return try Evaluation.run(model, on: batches, engine)
    }
}
