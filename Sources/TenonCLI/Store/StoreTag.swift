import AdapterStore
import ArgumentParser
import Diagnostics
import JSON

struct StoreTag: ParsableCommand, Exemplified {
    static let example = "tenon store tag support-bot:v3 support-bot:latest --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Give an adapter another name.",
        discussion: "The names it has stay; a name that stands for something else is only taken with --force.")

    @Argument(help: ArgumentHelp("A name, or the beginning of a digest.", valueName: "name[:tag]"))
    var reference: String

    @Argument(help: ArgumentHelp("What to call it, too.", valueName: "new-name[:tag]"))
    var names: [String]

    @Flag(help: "Take the names even if they stand for other objects.")
    var force = false

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        var names: [StoreName] = []
        for name in self.names { names.append(try StoreName(name)) }
        let report = try place.open().tag(ObjectReference(reference), as: names, replaces: force)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result([
                "digest": .string("\(report.object.digest)"), "names": .array(names.map { .string("\($0)") }),
            ])
        } else {
            for name in names { console.result("\(name) is \(report.object.digest)") }
        }
    }
}
