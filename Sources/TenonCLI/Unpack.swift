import ArgumentParser
import Diagnostics
import Files
import JSON
import Packaging

extension UnpackFormat: ExpressibleByArgument {}

struct Unpack: ParsableCommand, Exemplified {
    static let example = "tenon unpack my-adapter.tenon --format peft -o my-adapter-again"

    static let configuration = CommandConfiguration(
        commandName: "unpack", abstract: "Turn a container into another tool's format.",
        discussion: """
            peft gives the folder that was packed back, byte for byte. vllm is a PEFT folder whose scales are folded into \
            the factors. safetensors is one file with every tensor, whatever the method.
            """)

    @Argument(help: ArgumentHelp("The container; - reads it from stdin.", valueName: "x.tenon"))
    var container: String

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("peft, vllm or safetensors.", valueName: "format"))
    var format = UnpackFormat.peft

    @Flag(help: "Write config and headers anew from what the container says, not as they were.")
    var ignoreOriginal = false

    @Flag(help: "Unpack even if that writes a thousand times more than the container holds.")
    var allowRatio = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let file = try InputFile.opened(container)
        let bar = ProgressBar("unpacking", isQuiet: shared.quiet)
        defer { bar?.end() }
        let job = UnpackingJob(
            format: format, ignoresOriginal: ignoreOriginal, allowsRatio: allowRatio, lanes: shared.lanes,
            replaces: output.force, isDryRun: output.dryRun, progress: bar?.progress)
        let report = try job.run(file, output: output.output)
        bar?.end()
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result([
                "output": .string(output.output), "format": .string(format.rawValue),
                "files": .array(report.files.map { .string($0) }), "logicalBytes": JSONValue(report.logicalBytes),
                "memoryBytes": JSONValue(report.memoryBytes),
                "warnings": .array(report.findings.map { .string($0.description) }),
            ])
        } else {
            let verb = output.dryRun ? "would write" : "wrote"
            for name in report.files { console.result("\(verb) \(name)".escapedForTerminal) }
            if output.dryRun {
                let memory = ByteSize.text(report.memoryBytes)
                console.result("about \(ByteSize.text(report.logicalBytes)), with at most \(memory) of memory")
            }
        }
        if shared.verbose { console.tell(report.times) }
    }
}
