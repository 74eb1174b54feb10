import ArgumentParser
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import JSON
import Packaging
import Tensors

struct Resize: ParsableCommand, Exemplified {
    static let example = "tenon resize my-adapter.tenon -o smaller.tenon --energy 0.9"

    enum Precision: String, ExpressibleByArgument, CaseIterable {
        case keep, bf16, f16, f32

        var dtype: DType? {
            switch self {
            case .keep: nil
            case .bf16: .bf16
            case .f16: .f16
            case .f32: .f32
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "resize", abstract: "Give an adapter another rank, without its base.",
        discussion: """
            Each module gets the best factors of its rank that there are, from the singular values of its change. What \
            remains is told by module. The result is a LoRA whose scale is 1.
            """)

    @Argument(help: ArgumentHelp("A container, or a PEFT folder.", valueName: "x.tenon"))
    var adapter: String

    @OptionGroup var output: OutputOptions

    @OptionGroup var size: LowRankOptions

    @Option(help: ArgumentHelp("Of the factors: keep, bf16, f16 or f32.", valueName: "dtype"))
    var dtype = Precision.keep

    @Flag(help: "List every module.")
    var tensors = false

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @OptionGroup var shared: SharedOptions

    func run() throws {
        var console = shared.console
        console.resultsToStandardError = output.output == "-"
        guard let goal = try size.goal() else {
            throw Failure(.usage, "what size is asked for?", hint: "--rank, --energy, --error or --budget")
        }
        var job = ResizeJob(goal, output: AdapterOutput(output, compression, shared))
        job.dtype = dtype.dtype
        let report = try job.run(AdapterSource.open(adapter, weight: 1, shared: shared))
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(document(report))
        } else {
            lines(report).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }

    private func document(_ report: ResizeJob.Report) -> JSONValue {
        [
            "output": .string(output.output), "storedBytes": JSONValue(report.storedBytes),
            "oldFactorBytes": JSONValue(report.targets.reduce(0) { $0 + $1.oldBytes }),
            "factorBytes": JSONValue(report.targets.reduce(0) { $0 + $1.bytes }),
            "relativeError": JSONValue(report.relativeError),
            "tensors": .array(
                report.targets.map { target in
                    [
                        "name": .string(target.name), "oldRank": JSONValue(target.oldRank),
                        "rank": JSONValue(target.rank), "relativeError": JSONValue(target.relativeError),
                        "keptShare": JSONValue(1 - target.relativeError * target.relativeError),
                        "oldBytes": JSONValue(target.oldBytes), "bytes": JSONValue(target.bytes),
                    ]
                }),
            "contentDigest": .string("\(report.contentDigest)"), "memoryBytes": JSONValue(report.memoryBytes),
            "warnings": .array(report.findings.map { .string($0.description) }),
        ]
    }

    private func lines(_ report: ResizeJob.Report) -> [String] {
        let verb = output.dryRun ? "would write" : "wrote"
        let old = report.targets.reduce(0) { $0 + $1.oldBytes }
        let new = report.targets.reduce(0) { $0 + $1.bytes }
        var lines = [
            "\(verb) \(output.output): \(ByteSize.text(report.storedBytes))".escapedForTerminal,
            "factors \(ByteSize.text(old)) -> \(ByteSize.text(new)), relative error \(report.relativeError.scientific)",
        ]
        if tensors {
            lines += report.targets.map { target in
                "rank \(target.oldRank) -> \(target.rank), relative error \(target.relativeError.scientific) \(target.name)"
                    .escapedForTerminal
            }
        }
        lines.append("content \(report.contentDigest)")
        if output.dryRun { lines.append("with at most \(ByteSize.text(report.memoryBytes)) of memory") }
        return lines
    }
}
