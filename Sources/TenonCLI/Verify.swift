import Adapters
import Architectures
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Files
import JSON
import Packaging
import Training

extension VerificationLevel: ExpressibleByArgument {}

struct Verify: ParsableCommand, Exemplified {
    static let example = "tenon verify my-adapter.tenon --level full"

    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that a container is whole.",
        discussion: """
            structure checks header, trailer and index; quick also every stored byte's checksum and that it decodes; full \
            also every tensor's SHA-256. --base asks whether a model is the one that the container is bound to, \
            --reconstructs whether it is the one that a lossless delta gives. With --base and --data it is evaluated too, \
            and --max-loss and --min say what passes.
            """)

    @Argument(help: ArgumentHelp("The container; - reads it from stdin.", valueName: "x.tenon"))
    var container: String

    @Option(help: ArgumentHelp("How deep to look: structure, quick or full.", valueName: "level"))
    var level = VerificationLevel.full

    @Flag(help: "Also look for values that are not finite.")
    var values = false

    @Option(help: ArgumentHelp("Whether it fits this base.", valueName: "model"))
    var base: String?

    @Option(help: ArgumentHelp("Whether this is what it makes of its base.", valueName: "model"))
    var reconstructs: String?

    @OptionGroup(title: "Quality") var quality: QualityOptions

    @Flag(help: "Train again as the container says it was, on --base and --data, and compare.")
    var retrain = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let file = try InputFile.opened(container)
        let verification = Verification.run(
            on: file, level: level, values: values, lanes: shared.lanes, asking: try questions())
        for finding in verification.findings { console.warn(finding) }
        if shared.json {
            console.result(verification.document(level: level))
        } else {
            // An honest no is an answer; what could not be checked is told of as an error alone.
            let isAnswer = verification.failure?.code.status == .no
            for check in verification.checks where check.isOK || isAnswer {
                console.result(
                    (check.isOK ? "ok  " : "no  ") + check.name.padded(to: 12) + check.detail.escapedForTerminal)
            }
        }
        if shared.verbose { console.tell(verification.times) }
        if let failure = verification.failure {
            console.report(failure, asDocument: false)
            throw ExitCode(failure.code.status.rawValue)
        }
    }

    private func questions() throws -> [Verification.Question] {
        var questions: [Verification.Question] = []
        let lanes = shared.lanes
        let base = try opened(base)
        if let checkpoint = base {
            let binder = BaseBinder(checkpoint, lanes: lanes, cache: .standard())
            questions.append(
                Verification.Question("base") { [container] (adapter) throws(Failure) in
                    try binder.check(adapter, path: container)
                })
        }
        if let checkpoint = try opened(reconstructs) {
            questions.append(
                Verification.Question("reconstructs") { (adapter) throws(Failure) in
                    let fingerprint = try BaseFingerprint(of: checkpoint, lanes: lanes, cache: .standard())
                    return try Reconstruction.check(adapter, gives: checkpoint, fingerprint)
                })
        }
        // To train again is no question of quality, and its data need not be such as to ask one.
        let asksQuality = !retrain || !quality.gates.isEmpty
        if asksQuality, let question = try quality.question(base: base, adapterOnDisk(), shared, required: false) {
            questions.append(
                Verification.Question("quality") { [gates = quality.gates] (adapter) throws(Failure) in
                    let result = try question.evaluate(adapter)
                    if let failure = gates.failure(of: result) { throw failure }
                    return Verification.Answer(result.text)
                })
        }
        if retrain { questions.append(try retraining(base)) }
        return questions
    }

    /// What is verified, as far as it can be read: its data are to be read as it learned them.
    private func adapterOnDisk() -> Adapter? {
        guard quality.data != nil, container != "-" else { return nil }
        return try? Container(InputFile.opened(container)).adapter
    }

    private func retraining(_ base: Checkpoint?) throws -> Verification.Question {
        guard let base, let data = quality.data, container != "-" else {
            throw Failure(.usage, "--retrain needs a file, --base and --data")
        }
        let file = try Container(InputFile.opened(container))
        let record = try TrainingRecord(of: file.adapter)
        let architecture = try NetworkArchitecture(
            of: base, task: record.options["task"]?.string.flatMap(ModelTask.init),
            labels: record.options["labels"]?.int)
        let read = try TrainingData(
            data, base: base, architecture, maximumLength: record.maximumLength ?? architecture.maximumLength,
            isStrict: quality.strict, form: record.form, classes: file.adapter.learned.classes)
        let retraining = Retraining(base: base, data: read, lanes: shared.lanes)
        return Verification.Question("retrain") { [digest = file.contentDigest] (adapter) throws(Failure) in
            try retraining.check(adapter, contentDigest: digest)
            return Verification.Answer("training again gives the same content")
        }
    }

    private func opened(_ path: String?) throws -> Checkpoint? {
        guard let path else { return nil }
        let checkpoint = try Checkpoint(path: path)
        for finding in checkpoint.findings { shared.console.warn(finding) }
        return checkpoint
    }
}

extension Verification {
    /// The document of `verify --json`; where a check failed it says so, and carries the error as well.
    fileprivate func document(level: VerificationLevel) -> JSONValue {
        var document = JSONObject()
        document["ok"] = .bool(failure == nil)
        document["level"] = .string(level.rawValue)
        document["checks"] = .array(
            checks.map { ["name": .string($0.name), "ok": .bool($0.isOK), "detail": .string($0.detail)] })
        document["warnings"] = .array(findings.map { .string($0.description) })
        if let failure { document["error"] = failure.document }
        return .object(document)
    }
}
