import AdapterStore
import ArgumentParser
import DeltaFormat
import Diagnostics
import JSON
import Packaging

struct StoreAdd: ParsableCommand, Exemplified {
    static let example = "tenon store add my-adapter --name support-bot:v3 --metadata owner=me --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Put an adapter or a whole checkpoint into the store.",
        discussion: """
            A container goes in as it is; an adapter in another format is packed on the way; of a checkpoint, what it \
            differs in from the nearest one that is in the store, or all of it where none is near. All of it is verified \
            before it counts, and on the medium when this ends. A name without a tag has the tag latest. What has no name at all \
            is collected by `tenon store gc` after a day.
            """)

    @Argument(
        help: ArgumentHelp(
            "A container (- for stdin), an adapter's folder, a model's folder or file.", valueName: "src"))
    var source: String

    @Option(name: .customLong("name"), help: ArgumentHelp("What to call it; may be repeated.", valueName: "name[:tag]"))
    var names: [String] = []

    @Option(help: ArgumentHelp("Something to find it by; may be repeated.", valueName: "key=value"))
    var metadata: [String] = []

    @Option(
        help: ArgumentHelp(
            "What a checkpoint was tuned from, which is in the store (default: the nearest).", valueName: "name[:tag]"))
    var base: String?

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @Flag(help: "Give it the names even if they stand for other objects.")
    var force = false

    @Flag(help: "Say whether it could be added, and add nothing.")
    var dryRun = false

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        var options = PutOptions()
        for name in names { options.names.append(try StoreName(name)) }
        options.metadata = try MetadataPairs.parse(metadata)
        options.replaces = force
        let store = try place.open()
        let bar = ProgressBar("adding", isQuiet: shared.quiet)
        defer { bar?.end() }
        var addition = AdapterStore.Addition(source: source, options: options, lanes: shared.lanes)
        addition.compression = compression
        addition.base = try base.map { try ObjectReference($0) }
        addition.progress = bar?.progress
        let report = try dryRun ? store.consider(addition) : store.add(addition)
        bar?.end()
        for finding in report.findings { console.warn(finding) }
        if options.names.isEmpty, !dryRun, try store.names(of: report.object).isEmpty {
            console.warn(
                Finding(
                    "nameless",
                    "it has no name, so `tenon store gc` collects it after a day: `tenon store tag` gives it one"))
        }
        if shared.json {
            var document = report.object.document
            document["names"] = .array(options.names.map { .string("\($0)") })
            document["isNew"] = .bool(report.isNew)
            document["isRestored"] = .bool(report.isRestored)
            console.result(.object(document))
        } else {
            let verb = dryRun ? "would add" : report.isNew ? "added" : report.isRestored ? "restored" : "has already"
            let called = options.names.isEmpty ? "" : " as " + options.names.map(\.description).joined(separator: ", ")
            console.result("\(verb) \(source)\(called): \(report.object.summary)".escapedForTerminal)
            console.result("sha256:\(report.object.digest)")
        }
    }
}
