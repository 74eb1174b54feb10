import Adapters
import Architectures
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Files
import Insertions
import JSON
import Packaging
import Training

struct Train: ParsableCommand, Exemplified {
    static let example = "tenon train --base my-model --data my-data --rank 16 --iters 200 -o my-adapter.tenon"

    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train an adapter.",
        discussion: """
            Trains on a folder's train.jsonl, evaluates on its valid.jsonl where there is one, and keeps the best. Each \
            line holds "input_ids", with "labels" or without; or "text", "prompt" and "completion", "messages", or \
            "instruction", "input" and "output", which the base's tokenizer.json and chat template read. With --task \
            classification or regression it holds a "label" beside a text or a pair of texts. Tables (train.csv, train.tsv) \
            hold the same in columns. The same base, data and options give the same adapter, bit for bit, on any number of \
            threads.
            """)

    @Option(help: ArgumentHelp("The base: a model's folder.", valueName: "model"))
    var base: String

    @Option(
        help: ArgumentHelp(
            "A folder with train.jsonl (or .csv, .tsv) and perhaps valid.jsonl, or one such file.", valueName: "data"))
    var data: String

    @OptionGroup var output: OutputOptions

    @OptionGroup(title: "Training") var training: TrainingFlags

    @OptionGroup(title: "Data") var forms: DataFlags

    @Option(help: ArgumentHelp("Go on from this adapter.", valueName: "x.tenon"))
    var `init`: String?

    @Flag(help: "Go on where the same command was interrupted.")
    var resume = false

    @Flag(help: "Keep only the inputs of blocks, and compute the rest again: less memory, more time.")
    var gradCheckpoint = false

    @Flag(help: "Stop at the first broken line of the data.")
    var strict = false

    @Option(help: ArgumentHelp("Steps from one report to the next.", valueName: "n"))
    var stepsPerReport = 10

    @Option(help: ArgumentHelp("Steps from one saved state to the next.", valueName: "n"))
    var saveEvery = 100

    @Option(
        help: ArgumentHelp(
            "Options in YAML, such as \"rank: 16\"; those of the command line come first.", valueName: "file.yaml"))
    var config: String?

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if saveEvery < 0 { throw ValidationError("--save-every must be at least 0.") }
        if stepsPerReport < 1 { throw ValidationError("--steps-per-report must be at least 1.") }
    }

    func run() throws {
        let console = shared.console
        try Outputs.checkApart(output.output, from: [base, data] + (`init`.map { [$0] } ?? []))
        try Outputs.checkFree(output.output, replaces: output.force)
        let checkpoint = try Checkpoint(path: base)
        for finding in checkpoint.findings { console.warn(finding) }
        let initial = try `init`.map { try AdapterSource.open($0, on: checkpoint, shared: shared) }
        let learned = initial?.learned
        var architecture = try NetworkArchitecture(
            of: checkpoint, task: training.task ?? learned?.task,
            labels: learned?.labels ?? (training.newHead ? 2 : nil))
        if training.newHead { architecture = try withNewHead(architecture, initial) }
        let length = min(training.maxSeqLength, architecture.maximumLength)
        guard length >= 1 else { throw Failure(.usage, "--max-seq-length must be at least 1", actual: "\(length)") }
        try forms.check(architecture.task)
        let form = try forms.form()
        let read = try TrainingData(
            data, base: checkpoint, architecture, maximumLength: length, isStrict: strict, form: form,
            classes: learned?.classes)
        for finding in read.findings { console.warn(finding) }
        if !architecture.namesClasses, architecture.task.isOfClasses {
            architecture = try NetworkArchitecture(
                of: checkpoint, task: architecture.task, labels: max(2, read.classCount))
        }
        var options = try training.options(
            layers: architecture.layers, shapes: architecture.shapes(in: checkpoint), rows: read.train.count,
            initial: initial)
        options.maximumLength = length
        options.form = form
        options.task = architecture.task == .causal && architecture.isOwnTask ? nil : architecture.task
        options.labels = architecture.task.isOfClasses ? architecture.labels : nil
        options.makesHead = training.newHead
        var job = TrainingJob(base: checkpoint, data: read, options: options, lanes: shared.lanes)
        job.initial = initial
        job.replaces = output.force
        job.resumes = resume
        job.stepsPerSave = saveEvery
        job.memory.checkpoints = gradCheckpoint
        job.memoryLimit = shared.memoryLimit?.bytes
        if output.dryRun {
            let estimate = try blamingOptions(initial) { () throws(Failure) in try job.rehearse(output: output.output) }
            return tell(estimate, options, read, console)
        }
        let reporter = StepReporter(
            total: options.steps, interval: stepsPerReport, console: console, isQuiet: shared.quiet)
        job.onStep = { reporter.note($0) }
        tell(try blamingOptions(initial) { () throws(Failure) in try job.run(output: output.output) }, read, console)
    }

    /// The architecture with a head for whatever classes the data have, in place of those that it was read with.
    private func withNewHead(
        _ architecture: NetworkArchitecture, _ initial: Adapter?
    ) throws(Failure) -> NetworkArchitecture {
        guard architecture.task.isOfClasses, initial == nil else {
            throw Failure(
                .usage, "there is no head to be made", object: "--new-head",
                expected: "a task of classes or values, and no --init", actual: architecture.task.rawValue)
        }
        return architecture.withoutClasses()
    }

    /// A config that cannot be trained is a mistake in the options, unless it is that of an adapter to go on from.
    private func blamingOptions<Result>(
        _ initial: Adapter?, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        do throws(Failure) {
            return try body()
        } catch {
            throw initial == nil && error.code == .badParameter ? error.asUsage : error
        }
    }

    private func tell(
        _ estimate: MemoryEstimate, _ options: TrainingOptions, _ data: TrainingData, _ console: Console
    ) {
        if shared.json {
            console.result([
                "output": .string(output.output), "steps": JSONValue(options.steps),
                "rows": JSONValue(data.train.count),
                "trainableParameters": JSONValue(estimate.parameterCount), "memoryBytes": JSONValue(estimate.bytes),
            ])
            return
        }
        console.result(
            "would train \(options.steps) steps on \(data.train.count) rows, with some "
                + "\(ByteSize.text(estimate.bytes)) of memory")
    }

    /// What for, where it is not to go on with texts.
    private func purpose(_ task: ModelTask, _ classes: LabelMap?) -> String {
        if task == .causal { return "" }
        guard let names = classes?.names else { return ", for \(task.rawValue)" }
        let shown = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
        return ", for \(task.rawValue) as one of \(names.count): \(shown)"
    }

    private func tell(_ report: TrainingJob.Report, _ data: TrainingData, _ console: Console) {
        guard let last = report.metrics.last else { return }
        if shared.json {
            var document = last.document.object ?? JSONObject()
            document["output"] = .string(output.output)
            document["contentDigest"] = .string("\(report.trailer.contentDigest)")
            document["baseRoot"] = .string("\(report.baseRoot)")
            document["trainableParameters"] = JSONValue(report.parameterCount)
            document["storedBytes"] = JSONValue(Int(report.trailer.fileSize))
            if !report.madePaths.isEmpty {
                document["madeModules"] = .array(report.madePaths.map { .string($0) })
            }
            document["task"] = .string(report.task.rawValue)
            if let classes = data.classes { document["classes"] = classes.document }
            document["bestStep"] = JSONValue(report.step)
            document["bestEvaluation"] = report.evaluation?.document ?? nil
            console.result(.object(document))
            return
        }
        console.result(
            ("wrote \(output.output): \(training.method), \(report.parameterCount) parameters, "
                + ByteSize.text(Int(report.trailer.fileSize)) + purpose(report.task, data.classes)).escapedForTerminal)
        if !report.madePaths.isEmpty {
            console.result(
                "\(training.newHead ? "a new head was asked for" : "the base had none"): "
                    + "\(report.madePaths.joined(separator: ", ")) was made and is kept in the adapter")
        }
        console.result("loss \(last.loss.text(decimals: 4)) at step \(last.step)")
        if let evaluation = report.evaluation {
            console.result("kept step \(report.step): evaluation \(evaluation.text)")
        }
        console.result("content \(report.trailer.contentDigest)")
    }
}
