import Adapters
import Architectures
import ArgumentParser
import Diagnostics
import Insertions
import Interchange
import Kernels
import Training

/// What decides a training run's result, as `train` takes it.
struct TrainingFlags: ParsableArguments {
    @Option(help: ArgumentHelp("What is trained: \(TrainingFlags.methods).", valueName: "method"))
    var method = "lora"

    @Option(
        help: ArgumentHelp(
            "What for: \(ModelTask.allCases.map(\.rawValue).joined(separator: ", ")) (default: what the base is for).",
            valueName: "task"))
    var task: ModelTask?

    @Flag(help: "Make a new head for the classes of the data, or for values, whatever head the base has.")
    var newHead = false

    @Option(help: ArgumentHelp("Of the factors of a LoRA (default: 8).", valueName: "n"))
    var rank: Int?

    @Option(help: ArgumentHelp("What a LoRA is scaled by, times its rank (default: 16).", valueName: "number"))
    var alpha: Double?

    @Option(help: ArgumentHelp("The share of a LoRA's inputs that is left out at random.", valueName: "share"))
    var dropout: Double?

    @Flag(help: "Scale a LoRA by alpha over the root of its rank.")
    var rslora = false

    @Flag(help: "Train magnitude and direction of weights apart.")
    var dora = false

    @OptionGroup var adaptation: AdaptationFlags

    @Option(help: ArgumentHelp("Steps of the optimizer (default: 1000).", valueName: "n"))
    var iters: Int?

    @Option(help: ArgumentHelp("Times that all rows are seen, in place of --iters.", valueName: "n"))
    var epochs: Double?

    @Option(help: ArgumentHelp("Rows of a batch.", valueName: "n"))
    var batchSize = 4

    @Option(help: ArgumentHelp("Batches of a step.", valueName: "n"))
    var gradientAccumulationSteps = 1

    @Option(help: ArgumentHelp("The highest learning rate (default: what suits the method).", valueName: "rate"))
    var learningRate: Double?

    @Option(help: ArgumentHelp("How the rate falls after the warmup: constant, linear or cosine.", valueName: "shape"))
    var lrSchedule = LearningRateSchedule.Shape.constant

    @Option(help: ArgumentHelp("Steps in which the rate rises; below 1 a share of all.", valueName: "steps"))
    var warmup = 0.0

    @Option(help: ArgumentHelp("Of AdamW.", valueName: "rate"))
    var weightDecay = 0.01

    @Option(help: ArgumentHelp("What the gradient's norm is clipped to; 0 for never.", valueName: "norm"))
    var maxGradNorm = 1.0

    @Option(help: ArgumentHelp("Longer rows are cut (default: 2048, or what the model allows).", valueName: "tokens"))
    var maxSeqLength = 2048

    @Option(help: ArgumentHelp("Of all that is drawn at random.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Steps from one evaluation on valid.jsonl to the next.", valueName: "n"))
    var stepsPerEval = 200

    @Option(help: ArgumentHelp("Stop after so many evaluations without a better loss.", valueName: "n"))
    var earlyStoppingPatience: Int?

    /// The words of all methods that train.
    private static var methods: String { TrainableMethods.all.map(\.word).joined(separator: ", ") }

    /// - Parameters:
    ///   - layers: How many blocks the base has.
    ///   - shapes: Their linear layers.
    ///   - rows: How many rows there are to train on.
    ///   - initial: The adapter to go on from, whose config holds.
    func options(layers: Int, shapes: ModelShapes, rows: Int, initial: Adapter?) throws -> TrainingOptions {
        guard let trainable = TrainableMethods.named(method) else {
            throw Failure(
                .usage, "this method does not train", actual: method, hint: Self.methods)
        }
        if let initial, !trainable.canHold(initial) {
            throw Failure(.usage, "the adapter to go on from is of another method", actual: initial.method)
        }
        var options = TrainingOptions(trainable)
        options.parameters = try parameters(trainable, layers: layers, shapes, initial: initial)
        if initial == nil { try shapes.check(options.parameters, of: trainable, layers: layers) }
        options.batchSize = try positive(batchSize, "--batch-size")
        options.accumulation = try positive(gradientAccumulationSteps, "--gradient-accumulation-steps")
        let batches = BatchPlan(rowCount: max(1, rows), batchSize: options.batchSize, seed: nil).batchesPerEpoch
        let perEpoch = Double(batches) / Double(options.accumulation)
        guard iters == nil || epochs == nil else { throw Failure(.usage, "only one of --iters and --epochs can hold") }
        if let epochs {
            guard epochs > 0, epochs < 1e6 else { throw Failure(.usage, "--epochs is out of its range") }
            options.steps = max(1, Int((epochs * perEpoch).rounded(.up)))
        } else {
            options.steps = try positive(iters ?? 1000, "--iters")
        }
        options.optimizer.learningRate = learningRate ?? trainable.learningRate
        guard options.optimizer.learningRate > 0, options.optimizer.learningRate.isFinite, warmup >= 0, warmup < 1e9,
            weightDecay >= 0, maxGradNorm >= 0
        else {
            throw Failure(.usage, "a rate is out of its range")
        }
        options.schedule = lrSchedule
        options.warmupSteps = warmup < 1 ? Int(warmup * Double(options.steps)) : Int(warmup)
        guard options.warmupSteps <= options.steps else {
            throw Failure(
                .usage, "--warmup is longer than the run", expected: "at most \(options.steps)",
                actual: "\(options.warmupSteps)")
        }
        options.optimizer.weightDecay = weightDecay
        options.gradientLimit = maxGradNorm
        options.seed = seed
        options.stepsPerEvaluation = try notNegative(stepsPerEval, "--steps-per-eval")
        options.patience = try earlyStoppingPatience.map { try positive($0, "--early-stopping-patience") }
        return options
    }

    private func parameters(
        _ method: any TrainableMethod, layers: Int, _ shapes: ModelShapes, initial: Adapter?
    ) throws -> Parameters {
        var parameters = initial?.parameters ?? method.standard(in: shapes)
        if initial != nil,
            rank != nil || alpha != nil || rslora || dora || !adaptation.isEmpty
        {
            throw Failure(.usage, "what the adapter of --init is cannot be changed", hint: "only --dropout can")
        }
        func give(_ key: String?, _ flag: String, _ value: ParameterValue?) throws {
            guard let value else { return }
            guard let key, method.method.key(key) != nil else {
                throw Failure(.usage, "\(flag) means nothing to this method", actual: method.word)
            }
            parameters[key] = value
        }
        try give("r", "--rank", rank.map { .int(Int64($0)) })
        try give("lora_alpha", "--alpha", alpha.map(ParameterValue.number))
        try give("lora_dropout", "--dropout", dropout.map(ParameterValue.number))
        try give("use_rslora", "--rslora", rslora ? true : nil)
        try give("use_dora", "--dora", dora ? true : nil)
        for setting in try adaptation.settings(layers: layers) { try give(setting.key, setting.flag, setting.value) }
        do throws(Failure) {
            try method.method.validate(parameters)
        } catch {
            throw error.asUsage
        }
        return parameters
    }

    private func notNegative(_ value: Int, _ name: String) throws(Failure) -> Int {
        guard value >= 0 else { throw Failure(.usage, "\(name) is out of its range", actual: "\(value)") }
        return value
    }

    private func positive(_ value: Int, _ name: String) throws -> Int {
        guard value >= 1, value <= 1 << 24 else {
            throw Failure(.usage, "\(name) is out of its range", expected: "1 to \(1 << 24)", actual: "\(value)")
        }
        return value
    }
}

extension LearningRateSchedule.Shape: ExpressibleByArgument {}
extension ModelTask: ExpressibleByArgument {}
