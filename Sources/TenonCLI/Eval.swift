import Adapters
import Architectures
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import Diagnostics
import JSON
import Packaging
import Training

struct Eval: ParsableCommand, Exemplified {
    static let example = "tenon eval my-adapter.tenon --base my-model --data my-data --max-loss 2.5"

    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Say how good an adapter is on data.",
        discussion: """
            Reads a folder's test.jsonl, or else its valid.jsonl, or the file that is named, and computes loss, perplexity \
            and accuracy over its labeled tokens. With --max-loss or --min it is a gate: exit 1 where the adapter does not \
            pass. Without an adapter it evaluates the base.
            """)

    @Argument(help: ArgumentHelp("A container, or a PEFT folder; none for the base alone.", valueName: "x.tenon"))
    var adapter: String?

    @Option(help: ArgumentHelp("The base: a model's folder.", valueName: "model"))
    var base: String

    @OptionGroup var quality: QualityOptions

    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let checkpoint = try Checkpoint(path: base)
        for finding in checkpoint.findings { console.warn(finding) }
        let opened = try adapter.map { try AdapterSource.open($0, on: checkpoint, shared: shared) }
        guard let question = try quality.question(base: checkpoint, opened, shared, required: true) else { return }
        let result = try question.evaluate(opened)
        let failure = quality.gates.failure(of: result)
        if shared.json {
            var document = result.document.object ?? JSONObject()
            document["data"] = .string(question.data.path)
            document["warnings"] = .array(question.data.findings.map { .string($0.description) })
            document["ok"] = .bool(failure == nil)
            if let failure { document["error"] = failure.document }
            console.result(.object(document))
        } else {
            console.result("\(result.text) of \(question.data.path)".escapedForTerminal)
        }
        if let failure {
            console.report(failure, asDocument: false)
            throw ExitCode(failure.code.status.rawValue)
        }
    }
}
