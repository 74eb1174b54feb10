import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import JSON
import Packaging
import Tensors

enum ExtractKind: String, ExpressibleByArgument, CaseIterable {
    case auto, lora
}

enum FactorType: String, ExpressibleByArgument, CaseIterable {
    case bf16, f16, f32

    var dtype: DType {
        switch self {
        case .bf16: .bf16
        case .f16: .f16
        case .f32: .f32
        }
    }
}

struct Extract: ParsableCommand, Exemplified {
    static let example = "tenon extract --base my-model --tuned my-model-tuned -o my-delta.tenon"

    static let configuration = CommandConfiguration(
        abstract: "Take the delta between two checkpoints.",
        discussion: """
            Unless told otherwise the delta is lossless: put onto the base, it gives every file of the tuned checkpoint \
            back, byte for byte. Per tensor it stores nothing, a few changes, a difference for every element, or the tensor, \
            whichever is shortest. With --rank, --energy, --error or --budget it is a LoRA that comes near.
            """)

    @Option(help: ArgumentHelp("The base: a model's folder, or a single safetensors file.", valueName: "model"))
    var base: String

    @Option(help: ArgumentHelp("What was made of it.", valueName: "model"))
    var tuned: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @Option(help: ArgumentHelp("auto, or lora.", valueName: "kind"))
    var kind = ExtractKind.auto

    @Option(help: ArgumentHelp("A LoRA of this rank.", valueName: "n"))
    var rank: Int?

    @Option(
        help: ArgumentHelp("A LoRA with this share of each tensor's squared change, such as 0.95.", valueName: "share"))
    var energy: Double?

    @Option(help: ArgumentHelp("A LoRA with this relative error of each tensor at most.", valueName: "error"))
    var error: Double?

    @Option(help: ArgumentHelp("The best LoRA whose factors take at most this, such as 20MB.", valueName: "size"))
    var budget: ByteSize?

    @Flag(help: "Also store what the LoRA leaves out: the delta is lossless again.")
    var residual = false

    @Option(
        help: ArgumentHelp(
            "Which modules a LoRA changes, such as q_proj,v_proj (default: all matrices, embeddings and head too).",
            valueName: "list"))
    var targetModules: String?

    @Option(
        help: ArgumentHelp(
            "Of a LoRA's factors: bf16, f16 or f32 (default: bf16 for a base of 16 bits, f32 for one of 32).",
            valueName: "dtype"))
    var dtype: FactorType?

    @Option(help: ArgumentHelp("Of the random start of a LoRA.", valueName: "n"))
    var seed: UInt64 = 0

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
        job.memory = MemoryBudget(bytes: shared.memory.bytes)
        job.lowRank = try lowRank()
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

    /// Nil for a lossless delta.
    private func lowRank() throws -> LowRankOptions? {
        var goals: [LowRankGoal] = []
        if let rank { goals.append(.rank(try checked(rank, "--rank", rank >= 1))) }
        if let energy { goals.append(.energy(try checked(energy, "--energy", energy > 0 && energy <= 1))) }
        if let error { goals.append(.error(try checked(error, "--error", error >= 0 && error < 1))) }
        if let budget { goals.append(.budget(budget.bytes)) }
        guard goals.count <= 1 else {
            throw Failure(.usage, "only one of --rank, --energy, --error and --budget can be met")
        }
        guard let goal = goals.first else {
            guard kind == .auto, targetModules == nil, dtype == nil, !residual else {
                throw Failure(
                    .usage, "a LoRA needs to know how large it may be", hint: "--rank, --energy, --error or --budget")
            }
            return nil
        }
        var options = LowRankOptions(goal: goal)
        options.targetModules = targetModules?.split(separator: ",").map(String.init)
        options.dtype = dtype?.dtype
        options.seed = seed
        options.hasResidual = residual
        return options
    }

    private func checked<Value>(_ value: Value, _ name: String, _ isGood: Bool) throws -> Value {
        guard isGood else { throw Failure(.usage, "\(name) is out of its range", actual: "\(value)") }
        return value
    }

    private func document(_ report: ExtractJob.Report) -> JSONValue {
        let list = report.tensors.filter { $0.kind != "file" }.map { tensor -> JSONValue in
            [
                "name": .string(tensor.name), "kind": .string(tensor.kind),
                "rank": tensor.rank.map { JSONValue($0) } ?? nil,
                "relativeError": JSONValue(tensor.relativeError),
                "storedBytes": JSONValue(tensor.storedBytes),
            ]
        }
        return [
            "output": .string(output.output), "storedBytes": JSONValue(report.storedBytes),
            "tunedBytes": JSONValue(report.tunedBytes), "relativeError": JSONValue(report.relativeError),
            "equalTensors": JSONValue(report.equalCount), "tensors": .array(list),
            "contentDigest": .string("\(report.contentDigest)"), "baseRoot": .string("\(report.baseRoot)"),
            "resultRoot": report.resultRoot.map { .string("\($0)") } ?? nil,
            "memoryBytes": JSONValue(report.memoryBytes),
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
                let rank = tensor.rank.map { ", rank \($0), relative error \(tensor.relativeError.scientific)" } ?? ""
                lines.append(
                    "\(tensor.kind.padded(to: 8)) \(ByteSize.text(tensor.storedBytes).padded(to: 10)) \(tensor.name)\(rank)"
                        .escapedForTerminal)
            }
        }
        if let resultRoot = report.resultRoot {
            lines.append("result root \(resultRoot)")
        }
        if report.tensors.contains(where: { $0.rank != nil }) {
            lines.append("relative error of the LoRA \(report.relativeError.scientific)")
        }
        return lines
    }
}
