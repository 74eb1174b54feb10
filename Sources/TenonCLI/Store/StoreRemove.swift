import AdapterStore
import ArgumentParser
import Diagnostics
import JSON

struct StoreRemove: ParsableCommand, Exemplified {
    static let example = "tenon store remove support-bot:v3 --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a name from an adapter.",
        discussion: """
            What has no name any more is collected by `tenon store gc`, after a day. The last name of a checkpoint that \
            deltas in the store are made on is not taken.
            """)

    @Argument(help: ArgumentHelp("The name to take; without a tag, latest.", valueName: "name[:tag]"))
    var name: String

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let name = try StoreName(name)
        let report = try place.open().remove(name)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result([
                "name": .string("\(name)"), "digest": .string("\(report.object.digest)"),
                "isNamed": .bool(report.isNamed),
            ])
        } else {
            let rest = report.isNamed ? "has other names" : "has no name left; `tenon store gc` collects it after a day"
            console.result("removed \(name): \(report.object.digest) \(rest)")
        }
    }
}
