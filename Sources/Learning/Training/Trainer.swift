package import Diagnostics
package import Insertions
package import Kernels
import Layers
import LinearAlgebra
package import Networks

/// Changes what was inserted into a model, step by step.
package struct Trainer: Sendable {
    package let options: TrainingOptions
    package let optimizer: Optimizer<Float>
    private let model: Network<Float>
    private let inserted: Inserted<Float>
    private let engine: Engine<Float>
    /// How blocks go about their memory; no result depends on it.
    package var memory: PassMemory

    /// How a step's batch goes through the model.
    package struct PassMemory: Hashable, Sendable {
        /// The tokens of one pass, where no row is longer.
        package var tokensPerPass = 256
        /// Blocks keep their input alone.
        package var checkpoints = false

        package init() {}
    }

    package init(
        _ model: Network<Float>, _ inserted: Inserted<Float>, _ options: TrainingOptions, memory: PassMemory,
        _ engine: Engine<Float>
    ) {
        self.model = model
        self.inserted = inserted
        self.options = options
        self.memory = memory
        self.engine = engine
        optimizer = Optimizer(inserted.tensors, engine)
    }

    /// One step of the optimizer on `rows`: every labeled token, or row, counts alike, however the rows are split into passes.
    ///
    /// - Parameter step: Counted from 1.
    ///
    /// Throws ``Failure/Code/notFinite`` naming the rows where the loss is no number; nothing is changed then.
    package func step(_ step: Int, on rows: [Row]) throws(Failure) -> TrainingMetrics {
        let batches = Packing.batches(of: rows, tokensPerPass: memory.tokensPerPass, virtualTokens: model.virtualTokens)
        let count = batches.reduce(0) { $0 + $1.askedCount }
        let dropoutKey = CounterRandom.key(options.seed, "step \(step)")
        var sum = LossSum()
        for (place, batch) in batches.enumerated() {
            try Cancellation.check()
            sum = model.lossAndGradient(
                batch, addedTo: sum, scale: 1 / Float(max(1, count)), dropoutKey: dropoutKey,
                checkpoints: memory.checkpoints, isLast: place == batches.count - 1, engine)
        }
        inserted.addLosses(engine)
        let norm = optimizer.gradientNorm()
        guard sum.loss.isFinite, norm.isFinite else { throw Self.notFinite(step, rows, sum.loss) }
        optimizer.clip(norm: norm, to: options.gradientLimit)
        let rate = options.rates.rate(at: step - 1)
        var update = options.optimizer
        update.learningRate = rate
        optimizer.step(step, update)
        inserted.parametersChanged(inStep: step)
        optimizer.clearGradients()
        return TrainingMetrics(
            step: step, loss: sum.mean, learningRate: rate, gradientNorm: norm, tokens: sum.count)
    }

    private static func notFinite(_ step: Int, _ rows: [Row], _ loss: Double) -> Failure {
        let lines = rows.map(\.line).sorted()
        let list = lines.prefix(8).map(String.init).joined(separator: ", ") + (lines.count > 8 ? ", …" : "")
        return Failure(
            .notFinite, "the loss is no longer a number at step \(step)", object: "lines \(list) of the training data",
            actual: "\(loss)", hint: "a smaller --learning-rate, or a warmup, usually helps")
    }
}
