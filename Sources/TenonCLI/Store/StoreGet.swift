import AdapterStore
import ArgumentParser
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
        commandName: "get", abstract: "Take an adapter out of the store.",
        discussion: """
            Gives the container as it is in the store, or unpacks it as `tenon unpack` does; peft gives the folder that \
            was added back, byte for byte. Nothing is written that was not verified.
            """)

    @Argument(help: ArgumentHelp("A name, or the beginning of a digest.", valueName: "name[:tag]"))
    var reference: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("tenon, peft, vllm or safetensors.", valueName: "format"))
    var format = Format.tenon

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        var console = shared.console
        console.resultsToStandardError = output.output == "-"
        let (object, file) = try place.open().open(ObjectReference(reference))
        var files = [output.output]
        if let unpacked = format.unpacked {
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
            document["format"] = .string(format.rawValue)
            document["files"] = .array(files.map { .string($0) })
            console.result(.object(document))
        } else {
            let verb = output.dryRun ? "would write" : "wrote"
            for name in files { console.result("\(verb) \(name)".escapedForTerminal) }
        }
    }
}
