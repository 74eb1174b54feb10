import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import JSON
import Packaging
import Tensors

enum ExtractKind: String, ExpressibleByArgument, CaseIterable {
    case auto, exact, sparse, lora, signs, mixed
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
        commandName: "extract", abstract: "Take the delta between two checkpoints.",
        discussion: """
            Unless told otherwise the delta is lossless: put onto the base, it gives every file of the tuned checkpoint \
            back, byte for byte. Without --kind, and with --rank, --energy, --error or --budget, it is a LoRA that comes \
            near.

            Kinds: auto stores of each tensor nothing, a few changes, a difference for every element, or the tensor, \
            whichever is shortest. exact is a difference for every element, for full fine-tunes. sparse names the \
            elements that changed, for a few of them. lora is a product of two thin matrices for each matrix, which \
            unpacks to PEFT. signs is one bit a weight and a scale, a sixteenth of a bf16 model, for fine-tunes that are \
            not of low rank. mixed takes for each matrix what serves all of them best, nothing, signs, a LoRA of some \
            rank or no loss at all, within one --budget or --error of all changes together. Tensors that are no matrices \
            are never approximated.
            """)

    @Option(help: ArgumentHelp("The base: a model's folder, or a single safetensors file.", valueName: "model"))
    var base: String

    @Option(help: ArgumentHelp("What was made of it.", valueName: "model"))
    var tuned: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @Option(help: ArgumentHelp("auto, exact, sparse, lora, signs or mixed: see above.", valueName: "kind"))
    var kind = ExtractKind.auto

    @OptionGroup var size: LowRankOptions

    @Flag(help: "Also store what an approximation leaves out: the delta is lossless again.")
    var residual = false

    @Option(
        help: ArgumentHelp(
            "Which modules to approximate, such as q_proj,v_proj, others staying as in the base (default: all matrices, "
                + "embeddings and head too).",
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
        job.form = try form()
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

    private func form() throws -> ExtractForm {
        let goal = try size.goal()
        switch kind {
        case .auto where goal == nil: return .lossless(try lossless(.shortest, nil))
        case .exact: return .lossless(try lossless(.exact, goal))
        case .sparse: return .lossless(try lossless(.sparse, goal))
        case .auto, .lora:
            guard let goal else {
                throw Failure(
                    .usage, "a LoRA needs to know how large it may be", hint: "--rank, --energy, --error or --budget")
            }
            return .lossy(options(.lora(goal)))
        case .signs:
            guard goal == nil, dtype == nil else {
                throw Failure(
                    .usage, "signs take one bit a weight: they have no size, no goal and no dtype",
                    hint: "--kind mixed combines signs with other forms within an --error or --budget")
            }
            return .lossy(options(.signs))
        case .mixed:
            switch goal {
            case .budget(let bytes)?: return .lossy(options(.mixed(.budget(bytes))))
            case .error(let error)?: return .lossy(options(.mixed(.error(error))))
            default:
                throw Failure(
                    .usage, "a mixture needs one goal for all tensors together", hint: "--error or --budget")
            }
        }
    }

    /// Throws for what only an approximation has.
    private func lossless(_ form: LosslessForm, _ goal: LowRankGoal?) throws -> LosslessForm {
        guard goal == nil else {
            throw Failure(
                .usage, "a lossless delta has no rank, error or size to reach", actual: "--kind \(kind.rawValue)",
                hint: "--kind lora and mixed come near within such a goal, and with --residual are lossless too")
        }
        guard targetModules == nil, dtype == nil, !residual else {
            throw Failure(
                .usage, "--target-modules, --dtype and --residual belong to an approximation",
                actual: "--kind \(kind.rawValue)",
                hint: "--kind lora, signs or mixed; or --rank, --energy, --error, --budget")
        }
        return form
    }

    private func options(_ form: LossyOptions.Form) -> LossyOptions {
        var options = LossyOptions(form)
        options.targetModules = targetModules?.split(separator: ",").map(String.init)
        options.dtype = dtype?.dtype
        options.seed = seed
        options.hasResidual = residual
        return options
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
        let files = counts.removeValue(forKey: "file").map { "; \($0) \($0 == 1 ? "file" : "files")" } ?? ""
        let kinds = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let equal = "\(report.equalCount) \(report.equalCount == 1 ? "tensor" : "tensors") equal"
        lines.append(([equal] + kinds).joined(separator: ", ") + files)
        if tensors {
            for tensor in report.tensors where tensor.kind != "file" {
                let rank = tensor.rank.map { ", rank \($0)" } ?? ""
                let isNear = tensor.rank != nil || tensor.kind == "signs"
                let error = isNear ? ", relative error \(tensor.relativeError.scientific)" : ""
                lines.append(
                    "\(tensor.kind.padded(to: 8)) \(ByteSize.text(tensor.storedBytes).padded(to: 10)) \(tensor.name)\(rank)\(error)"
                        .escapedForTerminal)
            }
        }
        if let resultRoot = report.resultRoot {
            lines.append("result root \(resultRoot)")
        }
        if report.isApproximate {
            let part = report.resultRoot == nil ? "" : " without the residual"
            lines.append("relative error\(part) \(report.relativeError.scientific)")
        }
        return lines
    }
}
