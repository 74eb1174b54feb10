import ArgumentParser
import CKernels
import Diagnostics
import Files
import Recipes

/// The root of the command tree. `main()` maps every way a command can end to the exit statuses of the contract.
@main
struct Tenon: ParsableCommand, Exemplified {
    static let example = "tenon pack my-adapter -o my-adapter.tenon"

    static let configuration = CommandConfiguration(
        commandName: "tenon",
        abstract: "The format and the tool for small deltas on large models.",
        discussion: """
            A .tenon file holds the parameters that turn a base model into another: checksummed, compact, self-describing.
            """,
        version: Version.text,
        subcommands: [
            Pack.self, Unpack.self, Inspect.self, Verify.self, Fingerprint.self, Extract.self, Apply.self, Unapply.self,
            Switch.self, Merge.self, Resize.self, Diff.self, Plan.self, Report.self, Train.self, Eval.self,
            Generate.self, Store.self,
        ])

    static func main() {
        Cancellation.catchSignals()
        if let limit = Syscalls.environment("TENON_SIMD") { limitBodies(to: limit) }
        let console = Console(arguments: CommandLine.arguments)
        if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
            // Scripts ask often, and the parser takes longer over this than a command over its work.
            console.result(Version.text)
            return
        }
        guard CommandLine.arguments.count > 1 else {
            console.result(HelpText.withExample(helpMessage()))
            Syscalls.exit(ExitStatus.usage.rawValue)
        }
        do {
            var command = try parsed(Array(CommandLine.arguments.dropFirst()))
            try command.run()
        } catch let failure as Failure {
            console.report(failure)
            Syscalls.exit(failure.code.status.rawValue)
        } catch {
            Syscalls.exit(reportParsing(error, console))
        }
    }

    /// Asks the verb alone first, for the parser takes long to look at all of them; what is no plain use of a verb (help,
    /// completions, mistakes) goes the long way, which has the words for it.
    private static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let arguments = try withOptionsOfFile(arguments)
        var command: any ParsableCommand.Type = Self.self
        var rest = arguments[...]
        while let verb = command.configuration.subcommands.first(where: { $0._commandName == rest.first }) {
            command = verb
            rest = rest.dropFirst()
        }
        if command != Self.self, command.configuration.subcommands.isEmpty,
            let parsed = try? command.parseAsRoot(Array(rest)), type(of: parsed) == command
        {
            return parsed
        }
        return try parseAsRoot(arguments)
    }

    /// The arguments of `train`, with those that `--config` names before all others, which so prevail.
    private static func withOptionsOfFile(_ arguments: [String]) throws(Failure) -> [String] {
        guard arguments.first == Train._commandName,
            let place = arguments.firstIndex(where: { $0 == "--config" || $0.hasPrefix("--config=") })
        else { return arguments }
        let isApart = arguments[place] == "--config"
        guard !isApart || place + 1 < arguments.count else { return arguments }
        let path = isApart ? arguments[place + 1] : String(arguments[place].dropFirst("--config=".count))
        return try [arguments[0]] + OptionFile.words(of: path) + arguments.dropFirst()
    }

    /// Help and version that were asked for are results; anything else the parser throws is a usage error.
    private static func reportParsing(_ error: any Error, _ console: Console) -> Int32 {
        if exitCode(for: error) == .success {
            console.result(HelpText.withExample(fullMessage(for: error)))
            return ExitStatus.done.rawValue
        }
        if error is ExitCode { return exitCode(for: error).rawValue }
        var verbs = ""
        var command: any ParsableCommand.Type = Self.self
        for word in CommandLine.arguments.dropFirst() {
            guard let verb = command.configuration.subcommands.first(where: { $0._commandName == word }) else { break }
            command = verb
            verbs += word + " "
        }
        console.report(Failure(.usage, message(for: error), hint: "tenon \(verbs)--help"))
        return ExitStatus.usage.rawValue
    }

    /// Lets tests compare the bodies of the kernels: `TENON_SIMD=portable`.
    private static func limitBodies(to name: String) {
        for level in 0...3 where unsafe String(cString: tenon_simd_name(Int32(level))) == name {
            tenon_simd_limit(Int32(level) | (level == 0 ? Int32(TENON_SIMD_PLAIN) : 0))
        }
    }
}
