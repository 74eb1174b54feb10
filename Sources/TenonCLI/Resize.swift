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
        abstract: "Give an adapter another rank, without its base.",
        discussion: """
            Each module gets the best factors of its rank that there are, from the singular values of its change. What \
            remains is told by module. The result is a LoRA whose scale is 1.
            """)

    @Argument(help: ArgumentHelp("A container, or a PEFT folder.", valueName: "x.tenon"))
    var adapter: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("This rank for every module, less where it has less.", valueName: "n"))
    var rank: Int?

    @Option(help: ArgumentHelp("Keep this share of each module's squared change, such as 0.95.", valueName: "share"))
    var energy: Double?

    @Option(help: ArgumentHelp("This relative error of each module at most.", valueName: "error"))
    var error: Double?

    @Option(help: ArgumentHelp("The best factors that take at most this, such as 20MB.", valueName: "size"))
    var budget: ByteSize?

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
        var job = ResizeJob(try goal(), lanes: shared.lanes)
        job.dtype = dtype.dtype
        job.compression = compression
        job.memory = MemoryBudget(bytes: shared.memory.bytes)
        job.replaces = output.force
        job.isDryRun = output.dryRun
        job.tool = "tenon \(Version.number)"
        let report = try job.run(
            AdapterSource.open(adapter, weight: 1, shared: shared), output: output.output)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result(document(report))
        } else {
            lines(report).forEach { console.result($0) }
        }
        if shared.verbose { console.tell(report.times) }
    }

    private func goal() throws -> LowRankGoal {
        var goals: [LowRankGoal] = []
        if let rank { goals.append(.rank(try checked(rank, "--rank", rank >= 1))) }
        if let energy { goals.append(.energy(try checked(energy, "--energy", energy > 0 && energy <= 1))) }
        if let error { goals.append(.error(try checked(error, "--error", error >= 0 && error < 1))) }
        if let budget { goals.append(.budget(budget.bytes)) }
        guard goals.count == 1 else {
            throw Failure(
                .usage, goals.isEmpty ? "what size is asked for?" : "only one goal can be met",
                hint: "--rank, --energy, --error or --budget")
        }
        return goals[0]
    }

    private func checked<Value>(_ value: Value, _ name: String, _ isGood: Bool) throws -> Value {
        guard isGood else { throw Failure(.usage, "\(name) is out of its range", actual: "\(value)") }
        return value
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
