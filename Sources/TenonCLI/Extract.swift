import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import JSON
import Packaging

struct Extract: ParsableCommand, Exemplified {
    static let example = "tenon extract --base my-model --tuned my-model-tuned -o my-delta.tenon"

    static let configuration = CommandConfiguration(
        abstract: "Take the delta between two checkpoints.",
        discussion: """
            The delta is lossless: put onto the base, it gives every file of the tuned checkpoint back, byte for byte. Per \
            tensor it stores nothing, a few changes, a difference for every element, or the tensor, whichever is shortest.
            """)

    @Option(help: ArgumentHelp("The base: a model's folder, or a single safetensors file.", valueName: "model"))
    var base: String

    @Option(help: ArgumentHelp("What was made of it.", valueName: "model"))
    var tuned: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @Flag(help: "List every tensor that differs.")
    var tensors = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        var console = shared.console
        console.resultsToStandardError = output.output == "-"
        var job = ExtractJob(lanes: shared.lanes)
        job.compression = compression
        job.replaces = output.force
        job.isDryRun = output.dryRun
        let report = try job.run(
            base: Checkpoint(path: base), tuned: Checkpoint(path: tuned), output: output.output)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(document(report))
        } else {
            lines(report).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }

    private func document(_ report: ExtractJob.Report) -> JSONValue {
        let list = report.tensors.filter { $0.kind != "file" }.map { tensor -> JSONValue in
            [
                "name": .string(tensor.name), "kind": .string(tensor.kind), "rank": nil, "relativeError": 0,
                "storedBytes": JSONValue(tensor.storedBytes),
            ]
        }
        return [
            "output": .string(output.output), "storedBytes": JSONValue(report.storedBytes),
            "tunedBytes": JSONValue(report.tunedBytes), "relativeError": 0,
            "equalTensors": JSONValue(report.equalCount), "tensors": .array(list),
            "contentDigest": .string("\(report.contentDigest)"), "baseRoot": .string("\(report.baseRoot)"),
            "resultRoot": .string("\(report.resultRoot)"), "memoryBytes": JSONValue(report.memoryBytes),
            "warnings": .array(report.findings.map { .string($0.description) }),
        ]
    }

    private func lines(_ report: ExtractJob.Report) -> [String] {
        let verb = output.dryRun ? "would write" : "wrote"
        let share = Double(report.storedBytes) / Double(max(1, report.tunedBytes))
        var lines = [
            ("\(verb) \(output.output): \(ByteSize.text(report.tunedBytes)) -> \(ByteSize.text(report.storedBytes)) "
                + "(\(share.percent))").escapedForTerminal
        ]
        var counts: [String: Int] = [:]
        for tensor in report.tensors { counts[tensor.kind, default: 0] += 1 }
        let kinds = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        lines.append((["\(report.equalCount) tensors equal"] + kinds).joined(separator: ", "))
        if tensors {
            for tensor in report.tensors where tensor.kind != "file" {
                lines.append(
                    "\(tensor.kind.padded(to: 8)) \(ByteSize.text(tensor.storedBytes).padded(to: 10)) \(tensor.name)"
                        .escapedForTerminal)
            }
        }
        lines.append("result root \(report.resultRoot)")
        return lines
    }
}
