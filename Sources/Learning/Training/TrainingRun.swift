import Diagnostics
import Files
import Insertions
import Kernels
import Layers
import Networks
import Parallelism

/// A run under way: where it stands, and what it needs for the next step.
struct TrainingRun {
    let trainer: Trainer
    let model: TrainedModel
    let data: TrainingData
    var state: TrainingState
    var log: MetricsLog
    let stepsPerSave: Int
    /// Where states are kept; nil where nobody will go on from them.
    let work: WorkFolder?
    let lanes: Lanes
    let engine: Engine<Float>
    let onStep: (@Sendable (TrainingMetrics) -> Void)?
    /// The numbers of the best step, where there are evaluations.
    private(set) var bestValues: [Matrix<Float>]?
    /// Whether there is a state to go on from.
    private(set) var hasSaved = false

    private var options: TrainingOptions { trainer.options }

    mutating func resume(from work: WorkFolder) throws(Failure) {
        (state, bestValues) = try TrainingState.resume(
            from: work.place(of: TrainingState.fileName), of: state.run, model.inserted, trainer.optimizer)
        log = try MetricsLog(at: work.place(of: MetricsLog.fileName), through: state.step)
        model.inserted.parametersChanged()
        hasSaved = true
    }

    /// How many tokens a method sees that begins with what it finds in data, if there are so many.
    private static var initializingTokens: Int { 1 << 15 }

    /// Shows the rows of the first epoch, in its order and in passes that are always the same, to a method that begins with
    /// what it finds in data.
    func initialize() throws(Failure) {
        guard model.inserted.initialization != nil else { return }
        let plan = BatchPlan(rowCount: data.train.count, batchSize: options.batchSize, seed: options.seed)
        var rows: [Row] = []
        var tokens = 0
        for place in plan.order(epoch: 0) where tokens < Self.initializingTokens {
            rows.append(data.train[place])
            tokens += data.train[place].inputs.count
        }
        try model.initialize(on: Packing.batches(of: rows, tokensPerPass: 256), engine)
    }

    /// Up to the last step, or until the evaluations have stopped getting better.
    mutating func train() throws(Failure) {
        let plan = BatchPlan(rowCount: data.train.count, batchSize: options.batchSize, seed: options.seed)
        let done = state.step * options.accumulation
        let (epoch, batch) = done.quotientAndRemainder(dividingBy: plan.batchesPerEpoch)
        var batches = BatchSequence(plan, from: BatchPlan.Cursor(epoch: epoch, batch: batch))
        let clock = ContinuousClock()
        var last = clock.now
        while state.step < options.steps, !hasLostPatience {
            try Cancellation.check()
            let step = state.step + 1
            var rows: [Row] = []
            for _ in 0..<options.accumulation { rows += batches.next().map { data.train[$0] } }
            var metrics = try trainer.step(step, on: rows)
            state.step = step
            let now = clock.now
            metrics.tokensPerSecond = Double(rows.reduce(0) { $0 + $1.inputs.count }) / ((now - last) / .seconds(1))
            metrics.peakMemoryBytes = Syscalls.peakMemory
            if isDue(options.stepsPerEvaluation, step) || step == options.steps {
                // The step is done: an interruption waits until it is known how good it is.
                try Cancellation.deferred { () throws(Failure) in try evaluate(&metrics) }
            }
            try Cancellation.deferred { () throws(Failure) in try log.append(metrics) }
            last = clock.now
            onStep?(metrics)
            if isDue(stepsPerSave, step), step < options.steps { try save() }
        }
    }

    mutating func save() throws(Failure) {
        guard let work else { return }
        try Cancellation.deferred { () throws(Failure) in
            // The state says how many of its lines count.
            try log.flush()
            try state.save(
                model.inserted, trainer.optimizer, best: bestValues, at: work.place(of: TrainingState.fileName),
                lanes: lanes)
        }
        hasSaved = true
    }

    private func isDue(_ interval: Int, _ step: Int) -> Bool { interval > 0 && step % interval == 0 }

    private mutating func evaluate(_ metrics: inout TrainingMetrics) throws(Failure) {
        guard !data.validation.isEmpty else { return }
        let batches = Packing.batches(
            of: data.validation, tokensPerPass: trainer.memory.tokensPerPass,
            virtualTokens: model.network.virtualTokens)
        let evaluation = try Evaluation.run(model.network, on: batches, engine)
        guard evaluation.loss.isFinite else {
            throw Failure(
                .notFinite, "the loss on the validation data is no longer a number at step \(state.step)",
                actual: "\(evaluation.loss)", hint: "a smaller --learning-rate, or a warmup, usually helps")
        }
        metrics.evaluation = evaluation
        if let best = state.best, best.evaluation.loss <= evaluation.loss { return }
        state.best = (state.step, evaluation)
        // In place: there is no need for the numbers of two best steps at once.
        let best =
            bestValues
            ?? model.inserted.tensors.map { tensor in
                Matrix(rows: tensor.parameter.value.rows, columns: tensor.parameter.value.columns)
            }
        for (tensor, value) in zip(model.inserted.tensors, best) { value.copy(from: tensor.parameter.value) }
        bestValues = best
    }

    private var hasLostPatience: Bool {
        guard let patience = options.patience, let best = state.best else { return false }
        return log.evaluationCount(after: best.step) >= patience
    }
}
