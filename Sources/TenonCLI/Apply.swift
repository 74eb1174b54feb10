import ArgumentParser
import Checkpoints
import DeltaAlgebra
import Diagnostics
import JSON
import Packaging
import Tensors

extension BaseCheck: ExpressibleByArgument {}

struct Apply: ParsableCommand, Exemplified {
    static let example = "tenon apply my-adapter.tenon --base my-model -o merged-model"

    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Put adapters or deltas onto a base checkpoint.",
        discussion: """
            The result is a checkpoint of its own, in the base's files with its config and tokenizer; of a lossless delta, \
            the files that the delta was taken from, byte for byte. Sums are in fp32 and rounded once; what rounding lost \
            is told.
            """)

    @Argument(help: ArgumentHelp("Containers, or PEFT folders, with spaces or commas between.", valueName: "x.tenon"))
    var adapters: [String]

    @Option(help: ArgumentHelp("The base: a model's folder, or a single safetensors file.", valueName: "model"))
    var base: String

    @OptionGroup var output: OutputOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("Multiplies what every adapter adds.", valueName: "x"))
    var scale = 1.0

    @Option(
        parsing: .unconditional, help: ArgumentHelp("A weight for each adapter, such as 0.5,-0.5.", valueName: "list"))
    var weights: String?

    @Option(help: ArgumentHelp("What floats become: keep, bf16, f16 or f32.", valueName: "dtype"))
    var dtype = "keep"

    @Option(help: ArgumentHelp("strict, shapes or off.", valueName: "check"))
    var baseCheck = BaseCheck.strict

    @Option(help: ArgumentHelp("Write new shards of at most this size, such as 5GB.", valueName: "size"))
    var shardSize: ByteSize?

    @Option(help: ArgumentHelp("Also write what unapply needs to take it off again.", valueName: "u.tenon"))
    var undo: String?

    @Flag(help: "Go on with what an interrupted run left.")
    var resume = false

    @Flag(help: "Also take the digest of the result, as fingerprint prints it.")
    var resultRoot = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let paths = try AdapterPaths.split(adapters)
        let weights = try AdapterWeights.parse(weights, scale: scale, count: paths.count)
        var opened: [WeightedAdapter] = []
        for (path, weight) in zip(paths, weights) {
            opened.append(try AdapterSource.open(path, weight: weight, shared: shared))
        }
        var job = ApplyJob(lanes: shared.lanes)
        job.check = baseCheck
        job.cache = .standard()
        job.dtype = try outputType()
        job.shardByteCount = shardSize?.bytes
        job.takesResultRoot = resultRoot
        job.undoPath = undo
        job.resumes = resume
        job.replaces = output.force
        job.isDryRun = output.dryRun
        job.memoryByteCount = shared.memory.bytes
        let report = try tellingHowToGoOn { () throws(Failure) in
            try job.run(opened, onto: Checkpoint(path: base), output: output.output)
        }
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(report.document(output: output.output, check: baseCheck))
        } else {
            report.lines(output: output.output, isDryRun: output.dryRun).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }

    private func outputType() throws -> DType? {
        switch dtype {
        case "keep": return nil
        case "bf16", "bfloat16": return .bf16
        case "f16", "fp16", "float16": return .f16
        case "f32", "fp32", "float32": return .f32
        default: throw Failure(.usage, "not a type for the result", expected: "keep, bf16, f16 or f32", actual: dtype)
        }
    }
}

extension ApplyJob.Report {
    fileprivate func document(output: String, check: BaseCheck) -> JSONValue {
        [
            "output": .string(output), "files": .array(files.map { .string($0) }), "bytes": JSONValue(byteCount),
            "tensors": JSONValue(tensorCount), "changedTensors": JSONValue(changedCount),
            "baseCheck": .string(check.rawValue), "baseChecked": .string(checked.rawValue),
            "resultRoot": resultRoot.map { .string("\($0)") } ?? nil,
            "rounding": rounding.map { rounding in
                [
                    "lostShare": JSONValue(rounding.lostShare), "changedWeights": JSONValue(rounding.asked),
                    "unchangedByRounding": JSONValue(rounding.lost), "overflowed": JSONValue(rounding.overflowed),
                ]
            } ?? nil,
            "undoBytes": undoBytes.map { JSONValue($0) } ?? nil,
            "memoryBytes": JSONValue(memoryBytes),
            "warnings": .array(findings.map { .string($0.description) }),
        ]
    }

    /// What a dry run can say of the base.
    private var baseLine: String {
        switch checked {
        case .digests: "base: known from an earlier reading, and the right one"
        case .shapes: "base: not read; names and shapes fit"
        case .nothing: "base: not read, and not to be checked"
        }
    }

    fileprivate func lines(output: String, isDryRun: Bool) -> [String] {
        let verb = isDryRun ? "would write" : "wrote"
        let noun = files.count == 1 ? "file" : "files"
        var lines = [
            "\(verb) \(output): \(ByteSize.text(byteCount)) in \(files.count) \(noun)".escapedForTerminal,
            "\(isDryRun ? "would change" : "changed") \(changedCount) of \(tensorCount) tensors",
        ]
        if isDryRun { return lines + [baseLine, "with at most \(ByteSize.text(memoryBytes)) of memory"] }
        if let rounding, rounding.asked > 0 {
            let share = (rounding.lostShare * 1000).rounded() / 10
            let lost = (Double(rounding.lost) / Double(rounding.asked) * 1000).rounded() / 10
            lines.append(
                "rounding lost \(share) % of the change; \(lost) % of the weights it concerns stayed as they were")
        }
        if let rounding, rounding.overflowed > 0 { lines.append("\(rounding.overflowed) weights became infinite") }
        if let undoBytes {
            let bits = Double(undoBytes) * 8 / Double(max(1, changedWeights))
            lines.append(
                "correction \(ByteSize.text(undoBytes)), \((bits * 100).rounded() / 100) bits a weight of these tensors"
            )
        }
        if let resultRoot { lines.append("root \(resultRoot)") }
        return lines
    }
}
