import ArgumentParser
import DeltaFormat
import Diagnostics
import Files
import JSON
import Packaging

extension VerificationLevel: ExpressibleByArgument {}

struct Verify: ParsableCommand, Exemplified {
    static let example = "tenon verify my-adapter.tenon --level full"

    static let configuration = CommandConfiguration(
        abstract: "Check that a container is whole.",
        discussion: """
            structure checks header, trailer and index; quick also every stored byte's checksum and that it decodes; full \
            also every tensor's SHA-256.
            """)

    @Argument(help: ArgumentHelp("The container; - reads it from stdin.", valueName: "x.tenon"))
    var container: String

    @Option(help: ArgumentHelp("How deep to look: structure, quick or full.", valueName: "level"))
    var level = VerificationLevel.full

    @Flag(help: "Also look for values that are not finite.")
    var values = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let file = try InputFile.opened(container)
        let verification = try Verification.run(on: file, level: level, values: values, lanes: shared.lanes)
        for finding in verification.findings { console.warn(finding) }
        if shared.json {
            console.result([
                "ok": true, "level": .string(level.rawValue),
                "checks": .array(
                    verification.checks.map {
                        ["name": .string($0.name), "ok": true, "detail": .string($0.detail)]
                    }),
                "warnings": .array(verification.findings.map { .string($0.description) }),
            ])
        } else {
            for check in verification.checks {
                console.result("ok  " + check.name.padded(to: 12) + check.detail.escapedForTerminal)
            }
        }
        if shared.verbose { console.tell(verification.times) }
    }
}
