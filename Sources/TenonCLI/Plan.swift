import Adapters
import Architectures
import ArgumentParser
import Diagnostics
import JSON
import Packaging
import Tensors

struct Plan: ParsableCommand, Exemplified {
    static let example = "tenon plan --config my-model --method lora --rank 16 --explain"

    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Count what tuning a model would take: parameters, bytes, memory.",
        discussion: """
            Needs the model's config.json and nothing else. Parameters are exact; memory is that of a usual training \
            loop, by the formulas of Spec/plan.md, which --explain prints with their numbers.
            """)

    @Option(help: ArgumentHelp("A config.json, or the folder of a model.", valueName: "config"))
    var config: String

    @Option(help: ArgumentHelp("How the model is tuned: \(Plan.methods) (default: lora).", valueName: "method"))
    var method: String?

    @Flag(help: "All methods in one table, each with its usual config.")
    var compare = false

    @Flag(help: "Every formula with its numbers.")
    var explain = false

    @OptionGroup(title: "Method") var values: PlanMethodOptions

    @Option(
        help: ArgumentHelp(
            "What the model ends in: \(ModelHead.allCases.map(\.rawValue).joined(separator: ", ")) (default: lm, for encoders none).",
            valueName: "head"))
    var head: ModelHead?

    @Option(help: ArgumentHelp("How many tuned models there are to be.", valueName: "n"))
    var tasks = 10

    @OptionGroup(title: "Training") var training: PlanTrainingOptions

    @OptionGroup var shared: SharedOptions

    /// The words of all methods.
    private static var methods: String { PlannedMethod.all.map(\.word).joined(separator: ", ") }

    func validate() throws {
        if !(1...1 << 24).contains(tasks) { throw ValidationError("--tasks must be from 1 to \(1 << 24).") }
        if compare && explain { throw ValidationError("Only one of --compare and --explain can hold.") }
        if compare && method != nil { throw ValidationError("Only one of --compare and --method can hold.") }
    }

    func run() throws {
        let architecture = try Architecture(path: config, head: head)
        let setup = try training.setup(architecture)
        for finding in TuningPlan.findings(on: setup.length, in: architecture) { shared.console.warn(finding) }
        if compare { return try compareAll(architecture, setup) }
        let planned = try PlannedMethod.named(method ?? "lora")
        let parameters = try values.parameters(of: planned, architecture, isStrict: true)
        let plan = try blamingOptions { () throws(Failure) in
            try TuningPlan(of: architecture, planned, parameters, setup, tasks: tasks)
        }
        try warn(of: [plan], architecture)
        try PlanReport(architecture, plan.setup, shared.console).tell(plan, explains: explain)
    }

    /// Tells of what is set and does nothing in any of the plans whose methods know of it.
    private func warn(of plans: [TuningPlan], _ architecture: Architecture) throws(Failure) {
        for key in try values.adaptation.members.map(\.key) {
            let findings = try plans.filter { $0.method.knows(key) }.map { plan throws(Failure) in
                try plan.findings(on: key, in: architecture)
            }
            let others = findings.dropFirst()
            for finding in findings.first ?? [] where others.allSatisfy({ $0.contains(finding) }) {
                shared.console.warn(finding)
            }
        }
    }

    private func compareAll(_ architecture: Architecture, _ setup: TrainingSetup) throws {
        for key in try values.adaptation.members.map(\.key) where !PlannedMethod.all.contains(where: { $0.knows(key) })
        {
            throw Failure(.usage, "--set \(key) means nothing to any method")
        }
        var rows: [PlanReport.Row] = []
        for planned in PlannedMethod.all {
            let parameters = try values.parameters(of: planned, architecture, isStrict: false)
            do throws(Failure) {
                rows.append(
                    .plan(try TuningPlan(of: architecture, planned, parameters, setup, tasks: tasks)))
            } catch {
                guard [.usage, .badParameter].contains(error.code) else { throw error }
                rows.append(.impossible(planned, error))
            }
        }
        try warn(of: rows.compactMap(\.plan), architecture)
        try PlanReport(architecture, setup, shared.console).tell(rows, tasks: tasks)
    }

    /// A config that fits no model is a mistake in the options.
    private func blamingOptions<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        do throws(Failure) {
            return try body()
        } catch {
            var failure = error
            if [.badParameter, .configInvalid].contains(error.code) { failure.code = .usage }
            throw failure
        }
    }
}

/// The config of the method that `plan` counts for.
struct PlanMethodOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Of the factors, or the width of a bottleneck.", valueName: "n"))
    var rank: Int?

    @OptionGroup var adaptation: AdaptationFlags

    /// - Parameter isStrict: Whether what means nothing to the method is refused; else it is passed over.
    func parameters(
        of method: PlannedMethod, _ architecture: Architecture, isStrict: Bool
    ) throws(Failure) -> Parameters {
        var parameters = method.standard
        func give(_ key: String?, _ flag: String, _ value: ParameterValue) throws(Failure) {
            guard let key, method.knows(key) else {
                if !isStrict { return }
                throw Failure(.usage, "\(flag) means nothing to this method", actual: method.word)
            }
            parameters[key] = value
        }
        if let rank {
            guard rank >= 1 else { throw Failure(.usage, "--rank must be at least 1", actual: "\(rank)") }
            try give(method.sizing.rankKey, "--rank", .int(Int64(rank)))
        }
        let layers = architecture.stacks.map(\.layers).max() ?? 0
        for setting in try adaptation.settings(layers: layers, tokensKey: method.sizing.tokensKey) {
            try give(setting.key, setting.flag, setting.value)
        }
        return parameters
    }
}

/// What memory depends on beside the method.
struct PlanTrainingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Rows of a batch.", valueName: "n"))
    var batchSize = 1

    @Option(help: ArgumentHelp("Tokens of a row (default: 512, or what the model allows).", valueName: "tokens"))
    var maxSeqLength: Int?

    @Option(
        help: ArgumentHelp(
            "What weights and adapters are kept in: bf16, f16 or f32 (default: what the config says, else f32).",
            valueName: "dtype"))
    var dtype: PlanType?

    @Option(
        help: ArgumentHelp(
            "\(TrainingSetup.Optimizer.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "optimizer"))
    var optimizer = TrainingSetup.Optimizer.adamW

    @Flag(help: "Keep only the inputs of blocks, and compute the rest again.")
    var gradCheckpoint = false

    @Option(help: ArgumentHelp("Keep the base's linear layers in four bits: nf4.", valueName: "type"))
    var quantizeBase: PlanQuantization?

    func validate() throws {
        for (name, value) in [("--batch-size", batchSize), ("--max-seq-length", maxSeqLength)]
        where value.map({ !(1...1 << 24).contains($0) }) ?? false {
            throw ValidationError("\(name) must be from 1 to \(1 << 24).")
        }
    }

    func setup(_ architecture: Architecture) throws(Failure) -> TrainingSetup {
        var setup = TrainingSetup()
        setup.dtype = dtype?.dtype ?? architecture.dtypeName.flatMap { PlanType(argument: $0)?.dtype } ?? .f32
        setup.optimizer = optimizer
        setup.batchSize = batchSize
        setup.length = maxSeqLength ?? min(setup.length, architecture.maximumLength ?? setup.length)
        setup.checkpoints = gradCheckpoint
        setup.quantizesBase = quantizeBase != nil
        return setup
    }
}

/// A float type, under the names that it has here and in configs.
struct PlanType: ExpressibleByArgument {
    let dtype: DType

    init?(argument: String) {
        switch argument {
        case "f32", "fp32", "float32": dtype = .f32
        case "bf16", "bfloat16": dtype = .bf16
        case "f16", "fp16", "float16": dtype = .f16
        default: return nil
        }
    }
}

enum PlanQuantization: String, ExpressibleByArgument {
    case nf4
}

extension ModelHead: ExpressibleByArgument {}
extension TrainingSetup.Optimizer: ExpressibleByArgument {}
