import ArgumentParser
import Checkpoints
import DeltaAlgebra
import Diagnostics
import JSON
import Packaging

struct Unapply: ParsableCommand, Exemplified {
    static let example = "tenon unapply my-adapter.tenon --merged merged-model --undo my-undo.tenon -o my-model-again"

    static let configuration = CommandConfiguration(
        commandName: "unapply", abstract: "Take merged adapters off again.",
        discussion: """
            Rounding makes it impossible from the merged weights alone: it takes the correction that apply --undo wrote, or \
            the base. What comes back is proved by its digest.
            """)

    @Argument(
        help: ArgumentHelp(
            "The adapters, in the order in which they were applied, with spaces or commas between.",
            valueName: "x.tenon"))
    var adapters: [String]

    @Option(help: ArgumentHelp("The merged checkpoint.", valueName: "model"))
    var merged: String

    @Option(help: ArgumentHelp("The correction that apply --undo wrote.", valueName: "u.tenon"))
    var undo: String?

    @Option(help: ArgumentHelp("The base, instead of a correction.", valueName: "model"))
    var base: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("With --base: what every adapter was multiplied by.", valueName: "x"))
    var scale = 1.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("With --base: the weights they were applied with.", valueName: "list"))
    var weights: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        guard undo != nil || base != nil else {
            throw Failure(
                .usage, "merged weights were rounded, so the base cannot be computed from them alone",
                hint: "give --undo, which apply writes for adapters, or --base")
        }
        guard undo == nil || base == nil else {
            throw Failure(.usage, "either --undo or --base is enough", hint: "leave one of them out")
        }
        guard undo == nil || (weights == nil && scale == 1) else {
            throw Failure(
                .usage, "the correction knows the weights", hint: "leave out --scale and --weights")
        }
        let paths = try AdapterPaths.split(adapters)
        let numbers = try AdapterWeights.parse(weights, scale: scale, count: paths.count)
        var opened: [WeightedAdapter] = []
        for (path, weight) in zip(paths, numbers) {
            opened.append(try AdapterSource.open(path, weight: weight, shared: shared))
        }
        var job = UnapplyJob(lanes: shared.lanes)
        job.replaces = output.force
        job.isDryRun = output.dryRun
        let checkpoint = try Checkpoint(path: merged)
        let report =
            if let undo {
                try job.run(
                    opened, merged: checkpoint, correction: AdapterSource.open(undo, weight: 1, shared: shared),
                    output: output.output)
            } else {
                try job.run(
                    opened, merged: checkpoint, base: Checkpoint(path: base ?? ""), output: output.output)
            }
        report.print(output: output, shared: shared)
    }
}

struct Switch: ParsableCommand, Exemplified {
    static let example =
        "tenon switch --merged merged-model --from my-adapter.tenon --to other.tenon --base my-model -o switched-model"

    static let configuration = CommandConfiguration(
        commandName: "switch", abstract: "Exchange merged adapters for others.",
        discussion: """
            Only the tensors of either are computed anew, from the base or by the correction that apply --undo wrote; all \
            others are copied. The merged checkpoint is checked to be what it is said to be, by digests.
            """)

    @Option(help: ArgumentHelp("The checkpoint with the first adapters.", valueName: "model"))
    var merged: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The adapters that are in it, in the order applied, with spaces or commas between.", valueName: "x.tenon"))
    var from: [String]

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("The adapters to put there instead, with spaces or commas between.", valueName: "x.tenon"))
    var to: [String]

    @Option(help: ArgumentHelp("The base of both.", valueName: "model"))
    var base: String?

    @Option(help: ArgumentHelp("The correction that apply --undo wrote, instead of the base.", valueName: "u.tenon"))
    var undo: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Multiplies what every adapter adds; with --undo, those of --to alone.", valueName: "x"))
    var scale = 1.0

    @Option(
        parsing: .unconditional, help: ArgumentHelp("A weight for each adapter of --to.", valueName: "list"))
    var weights: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("With --base: the weights that those of --from were applied with.", valueName: "list"))
    var fromWeights: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        guard undo != nil || base != nil else {
            throw Failure(
                .usage, "merged weights were rounded, so the base cannot be computed from them alone",
                hint: "give --undo, which apply writes for adapters, or --base")
        }
        guard undo == nil || base == nil else {
            throw Failure(.usage, "either --undo or --base is enough", hint: "leave one of them out")
        }
        guard undo == nil || fromWeights == nil else {
            throw Failure(.usage, "the correction knows the weights", hint: "leave out --from-weights")
        }
        var job = SwitchJob(lanes: shared.lanes)
        job.replaces = output.force
        job.isDryRun = output.dryRun
        let old = try opened(from, fromWeights, scale: undo == nil ? scale : 1)
        let new = try opened(to, weights, scale: scale)
        let checkpoint = try Checkpoint(path: merged)
        let report =
            if let undo {
                try job.run(
                    merged: checkpoint, correction: AdapterSource.open(undo, weight: 1, shared: shared), from: old,
                    to: new, output: output.output)
            } else {
                try job.run(
                    merged: checkpoint, base: Checkpoint(path: base ?? ""), from: old, to: new, output: output.output)
            }
        report.print(output: output, shared: shared)
    }

    private func opened(_ list: [String], _ weights: String?, scale: Double) throws -> [WeightedAdapter] {
        let paths = try AdapterPaths.split(list)
        let numbers = try AdapterWeights.parse(weights, scale: scale, count: paths.count)
        var opened: [WeightedAdapter] = []
        for (path, weight) in zip(paths, numbers) {
            opened.append(try AdapterSource.open(path, weight: weight, shared: shared))
        }
        return opened
    }
}

extension UnapplyJob.Report {
    fileprivate func print(output: OutputOptions, shared: SharedOptions) {
        let console = shared.console
        for finding in findings { console.warn(finding) }
        if shared.json {
            console.result([
                "output": .string(output.output), "files": .array(files.map { .string($0) }),
                "bytes": JSONValue(byteCount), "tensors": JSONValue(tensorCount),
                "changedTensors": JSONValue(changedCount),
                "resultRoot": resultRoot.map { .string("\($0)") } ?? nil, "memoryBytes": JSONValue(memoryBytes),
                "warnings": .array(findings.map { .string($0.description) }),
            ])
        } else {
            let verb = output.dryRun ? "would write" : "wrote"
            console.result(
                "\(verb) \(output.output): \(ByteSize.text(byteCount)) in \(files.count == 1 ? "1 file" : "\(files.count) files")"
                    .escapedForTerminal)
            console.result("changed \(changedCount) of \(tensorCount) tensors")
            if let resultRoot { console.result("root \(resultRoot)") }
        }
        if shared.verbose { console.tell(times) }
    }
}
