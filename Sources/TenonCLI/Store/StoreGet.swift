import AdapterStore
import ArgumentParser
import DeltaAlgebra
import Diagnostics
import Files
import JSON
import Packaging

struct StoreGet: ParsableCommand, Exemplified {
    static let example = "tenon store get support-bot:v3 -o my-copy --format peft --store my-store"

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case tenon, peft, vllm, safetensors

        var unpacked: UnpackFormat? { UnpackFormat(rawValue: rawValue) }
    }

    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Take an adapter or a checkpoint out of the store.",
        discussion: """
            Unless told otherwise it gives back what went in, byte for byte: a container, an adapter's folder, a \
            checkpoint's files. An output that is named .tenon, or -, gets the container. Nothing is written that was not \
            verified.
            """)

    @Argument(help: ArgumentHelp("A name, or the beginning of a digest.", valueName: "name[:tag]"))
    var reference: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("Of an adapter: tenon, peft, vllm or safetensors.", valueName: "format"))
    var format: Format?

    @Flag(help: "Write the adapter's base with the adapter put onto it.")
    var merged = false

    @Option(
        help: ArgumentHelp(
            "The base to merge it with, which is in the store (default: the one that it is bound to).",
            valueName: "name[:tag]"))
    var base: String?

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        var console = shared.console
        console.resultsToStandardError = output.output == "-"
        guard base == nil || merged else { throw Failure(.usage, "--base goes with --merged") }
        guard format == nil || !merged else { throw Failure(.usage, "--format and --merged are two ways out") }
        let store = try place.open()
        try store.checkOutside(output.output)
        let (object, file) = try store.open(ObjectReference(reference))
        if object.sort == .checkpoint, let format, format != .tenon {
            throw Failure(
                .usage, "a checkpoint comes out as its files", object: reference, actual: "--format \(format.rawValue)",
                hint: "leave out --format, or take the container: --format tenon")
        }
        let merged = merged && object.sort == .adapter
        let format = format ?? (object.sort == .checkpoint && self.merged ? nil : usualFormat(of: object))
        var files = [output.output]
        if merged || format == nil {
            var restoration = AdapterStore.Restoration(to: output.output, lanes: shared.lanes)
            restoration.replaces = output.force
            restoration.isDryRun = output.dryRun
            let report =
                merged
                ? try store.merge(object, onto: base.map { try ObjectReference($0) }, restoration)
                : try store.restore(object, restoration)
            for finding in report.findings { console.warn(finding) }
            files = report.files.map { Paths.joined(output.output, $0) }
        } else if let unpacked = format?.unpacked {
            let bar = ProgressBar("unpacking", isQuiet: shared.quiet)
            defer { bar?.end() }
            let job = UnpackingJob(
                format: unpacked, lanes: shared.lanes, replaces: output.force, isDryRun: output.dryRun,
                progress: bar?.progress)
            let report = try job.run(file, output: output.output)
            bar?.end()
            for finding in report.findings { console.warn(finding) }
            files = report.files
        } else if output.dryRun {
            if output.output != "-" { try Outputs.checkFree(output.output, replaces: output.force) }
        } else {
            try AdapterStore.export(file, to: output.output, replaces: output.force, lanes: shared.lanes)
        }
        if shared.json {
            var document = object.document
            document["output"] = .string(output.output)
            document["format"] = .string(merged ? "merged" : format?.rawValue ?? "checkpoint")
            document["files"] = .array(files.map { .string($0) })
            console.result(.object(document))
        } else {
            let verb = output.dryRun ? "would write" : "wrote"
            for name in files { console.result("\(verb) \(name)".escapedForTerminal) }
        }
    }

    /// What went in; nil for the files of a checkpoint.
    private func usualFormat(of object: StoredObject) -> Format? {
        if output.output == "-" || output.output.hasSuffix(".tenon") { return .tenon }
        switch object.origin {
        case "checkpoint": return nil
        case "peft": return .peft
        default: return .tenon
        }
    }
}
