import Adapters
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Documents
import Files
import Interchange
import Packaging

struct Diff: ParsableCommand, Exemplified {
    static let example = "tenon diff my-model my-model-tuned"

    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Say how two checkpoints or adapters differ.",
        discussion: """
            Two checkpoints are compared element by element, two adapters by what they do: a LoRA's change of a weight from \
            its factors, without multiplying them out. Of more than two adapters it prints the cosine of every two. With \
            --base, the first is an adapter and the second a checkpoint: how near base and adapter come to it.

            Exit status 0 where both are the same, or within --max-change; 1 where they differ. More than two adapters are \
            no such question. Tensors are listed worst first; --quiet lists none.
            """)

    @Argument(help: ArgumentHelp("Checkpoints, or containers and PEFT folders.", valueName: "a"))
    var paths: [String]

    @Option(help: ArgumentHelp("What the adapter goes onto and the checkpoint was made from.", valueName: "model"))
    var base: String?

    @Flag(help: "Also the singular values of every change: its effective rank, and how many hold most of it.")
    var spectrum = false

    @Option(help: ArgumentHelp("Exit 0 up to this relative change of all numbers together.", valueName: "x"))
    var maxChange: Double?

    @Flag(help: "List every tensor: equal ones too, and all beyond the worst twenty.")
    var all = false

    @Option(help: ArgumentHelp("Also write a page to look at.", valueName: "file"))
    var html: String?

    @Flag(help: "Replace a page that is there already.")
    var force = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if paths.count < 2 { throw ValidationError("There must be two to compare.") }
        if let maxChange, !(maxChange >= 0 && maxChange.isFinite) {
            throw ValidationError("--max-change must be a number from 0 on.")
        }
    }

    func run() throws {
        if let html {
            try Outputs.checkApart(html, from: paths + (base.map { [$0] } ?? []))
            try Outputs.checkFree(html, replaces: force)
        }
        var times = StageTimes()
        let models = try paths.map(open)
        times.end("open")
        if models.count > 2 { return try compareAll(models, &times) }
        let report = try compare(models[0], models[1])
        times.end("compare")
        let comparison = DiffComparison(report: report, paths: paths, base: base, maxChange: maxChange)
        if let html {
            let file = try OutputFile.create(at: html, replacing: force)
            let page = Array(comparison.page.html.utf8)
            try unsafe file.write(page.span.bytes)
            try file.commit()
            times.end("page")
        }
        if shared.json {
            shared.console.result(comparison.document)
        } else {
            comparison.lines(all: all, hasTable: !shared.quiet).forEach { shared.console.result($0) }
        }
        if shared.verbose { shared.console.tell(times) }
        if !comparison.isGood { throw ExitCode(ExitStatus.no.rawValue) }
    }

    private enum Model {
        case checkpoint(Checkpoint)
        case adapter(Adapter, path: String)
    }

    private func open(_ path: String) throws -> Model {
        guard try Folder.kind(of: path) != nil else { return .checkpoint(try Checkpoint(path: path)) }
        switch try Sniff.of(path) {
        case .container:
            return .adapter(try Container(InputFile(path: path)).adapter.dequantized(), path: path)
        case .peftFolder:
            let imported = try PEFTFolder.read(path)
            for finding in imported.findings { shared.console.warn(finding) }
            return .adapter(imported.adapter, path: path)
        default:
            let checkpoint = try Checkpoint(path: path)
            for finding in checkpoint.findings { shared.console.warn(finding) }
            return .checkpoint(checkpoint)
        }
    }

    private func compare(_ one: Model, _ other: Model) throws -> DiffReport {
        switch (one, other) {
        case (.checkpoint(let x), .checkpoint(let y)):
            guard base == nil else { throw Self.noBase }
            return try CheckpointDiff(
                lanes: shared.lanes, memory: MemoryBudget(bytes: shared.memory.bytes), takesSpectra: spectrum
            ).run(x, y)
        case (.adapter(let x, _), .adapter(let y, _)):
            guard base == nil else { throw Self.noBase }
            return try AdapterDiff(
                lanes: shared.lanes, memory: MemoryBudget(bytes: shared.memory.bytes), takesSpectra: spectrum
            ).run(x, y)
        case (.adapter(_, let path), .checkpoint(let tuned)):
            guard let base else { throw Self.needsBase }
            guard !spectrum else {
                throw Failure(.usage, "there is no --spectrum of an adapter beside a checkpoint")
            }
            let adapter = try AdapterSource.open(path, weight: 1, shared: shared)
            return try TunedDiff(lanes: shared.lanes).run([adapter], onto: Checkpoint(path: base), tuned)
        case (.checkpoint, .adapter): throw Self.needsBase
        }
    }

    private static let noBase = Failure(
        .usage, "--base is for an adapter beside a checkpoint", hint: "leave it out: two of a kind need none")

    private static let needsBase = Failure(
        .usage, "an adapter and a checkpoint can be compared only by what both make of a base",
        hint: "tenon diff ADAPTER CHECKPOINT --base MODEL")

    private func compareAll(_ models: [Model], _ times: inout StageTimes) throws {
        guard base == nil, html == nil, maxChange == nil, !spectrum else {
            throw Failure(.usage, "--base, --html, --max-change and --spectrum are for a comparison of two")
        }
        let adapters = try models.map { model -> Adapter in
            guard case .adapter(let adapter, _) = model else {
                throw Failure(.usage, "more than two can be compared only where all are adapters")
            }
            return adapter
        }
        let cosines = try AdapterCosines(
            adapters, lanes: shared.lanes, memory: MemoryBudget(bytes: shared.memory.bytes))
        times.end("compare")
        if shared.json {
            shared.console.result(cosines.document(paths: paths))
        } else {
            cosines.lines(paths: paths).forEach { shared.console.result($0) }
        }
        if shared.verbose { shared.console.tell(times) }
    }
}
