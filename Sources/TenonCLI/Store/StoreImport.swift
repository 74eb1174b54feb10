import AdapterStore
import ArgumentParser
import Diagnostics
import JSON

struct StoreImport: ParsableCommand, Exemplified {
    static let example = "tenon store import my-layout --name-prefix theirs/ --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Put all that an OCI image layout holds into the store.",
        discussion: """
            Takes what `tenon store export` wrote, also after skopeo has copied it. All of it is verified before any counts; \
            either everything is imported or nothing. What has no name in the layout is collected by `tenon store gc` after \
            a day, unless something that is kept is made on it.
            """)

    @Argument(help: ArgumentHelp("A layout's folder, or a tar of one.", valueName: "layout"))
    var source: String

    @Option(help: ArgumentHelp("What to put before every name, such as theirs/.", valueName: "prefix"))
    var namePrefix = ""

    @Flag(help: "Let names and metadata that are there already give way to those of the layout.")
    var force = false

    @Flag(help: "Say whether it could be imported, and import nothing.")
    var dryRun = false

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let store = try place.open()
        var request = LayoutImport(source: source, lanes: shared.lanes)
        request.namePrefix = namePrefix
        request.replaces = force
        let report = try dryRun ? store.considerImport(request) : store.importLayout(request)
        for finding in report.findings { console.warn(finding) }
        if shared.json {
            console.result([
                "dryRun": .bool(dryRun),
                "objects": .array(
                    report.items.map { item in
                        var document = item.object.document
                        document["names"] = .array(item.names.map { .string("\($0)") })
                        document["isNew"] = .bool(item.isNew)
                        return .object(document)
                    }),
            ])
            return
        }
        for item in report.items {
            let verb = dryRun ? "would import" : item.isNew ? "imported" : "has already"
            let called = item.names.isEmpty ? "" : item.names.map(\.description).joined(separator: ", ") + ": "
            console.result("\(verb) \(called)\(item.object.shortDigest)  \(item.object.summary)".escapedForTerminal)
        }
    }
}
