import Adapters
import Architectures
import ArgumentParser
import Checkpoints
import Diagnostics
import Kernels
import Packaging
import Parallelism
import Training

/// On what, and how good an adapter has to be.
struct QualityOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A folder with test.jsonl or valid.jsonl (or .csv, .tsv), or one such file.", valueName: "data"))
    var data: String?

    @Option(help: ArgumentHelp("The highest loss that passes.", valueName: "loss"))
    var maxLoss: Double?

    @Option(
        help: ArgumentHelp(
            "The least that passes, such as accuracy=0.9: \(QualityOptions.metrics).", valueName: "metric=value"),
        transform: { text in
            guard let gate = QualityGate(text) else {
                throw ValidationError("it is METRIC=NUMBER, and the metrics are \(QualityOptions.metrics)")
            }
            return gate
        })
    var min: [QualityGate] = []

    @Flag(help: "Stop at the first broken line of the data.")
    var strict = false

    @Option(help: ArgumentHelp("Longer rows are cut (default: what the model allows).", valueName: "tokens"))
    var maxSeqLength: Int?

    @OptionGroup var forms: DataFlags

    func validate() throws {
        if let maxLoss, !(maxLoss >= 0) { throw ValidationError("--max-loss is a loss, of 0 or more.") }
        if let gate = min.first(where: { !$0.metric.range.contains($0.least) }) {
            let range = gate.metric.range
            throw ValidationError(
                "--min \(gate.metric.rawValue) is from \(Int(range.lowerBound)) to \(Int(range.upperBound)).")
        }
        if let maxSeqLength, maxSeqLength < 1 { throw ValidationError("--max-seq-length must be at least 1.") }
    }

    private static var metrics: String { Metric.allCases.map(\.rawValue).joined(separator: ", ") }

    var gates: QualityGates { QualityGates(maximumLoss: maxLoss, least: min) }

    /// What to evaluate on; nil where nobody asked.
    func question(
        base: Checkpoint?, _ adapter: Adapter?, _ shared: SharedOptions, required: Bool
    ) throws -> QualityQuestion? {
        guard let data else {
            guard required || !gates.isEmpty else { return nil }
            throw Failure(.usage, "there is nothing to evaluate on", hint: "--data names a folder or a file")
        }
        guard let base else { throw Failure(.usage, "--data needs the base too", hint: "--base names its folder") }
        let learned = adapter?.learned
        let architecture = try NetworkArchitecture(of: base, task: learned?.task, labels: learned?.labels)
        try gates.check(architecture.task)
        try forms.check(architecture.task)
        let length = Swift.min(maxSeqLength ?? architecture.maximumLength, architecture.maximumLength)
        let read = try EvaluationData(
            data, base: base, architecture, maximumLength: length, isStrict: strict,
            form: try forms.form(else: learned?.form), classes: learned?.classes)
        for finding in read.findings { shared.console.warn(finding) }
        return QualityQuestion(base: base, data: read, lanes: shared.lanes)
    }
}
