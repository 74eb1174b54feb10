import AdapterStore
import ArgumentParser
import JSON
import Packaging

struct StoreGC: ParsableCommand, Exemplified {
    static let example = "tenon store gc --dry-run --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove what no name stands for.",
        discussion: """
            Keeps what a name stands for, and the checkpoints that it is made on. Removes nothing at all where an object \
            that is kept is missing or has another size; `tenon store fsck` tells more then.
            """)

    @Option(help: ArgumentHelp("Keep what was used within this time.", valueName: "time"))
    var grace = StoreDuration(hours: 24)

    @Flag(help: "Print what would be removed, and remove nothing.")
    var dryRun = false

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let report = try place.open().collect(grace: grace.nanoseconds, isDryRun: dryRun)
        if shared.json {
            shared.console.result([
                "removed": .array(
                    report.removed.map { ["digest": .string("\($0.digest)"), "storedBytes": JSONValue($0.bytes)] }),
                "removedBytes": JSONValue(report.removedBytes), "kept": JSONValue(report.keptCount),
                "resting": JSONValue(report.restingCount), "dryRun": .bool(dryRun),
            ])
            return
        }
        for (digest, bytes) in report.removed { shared.console.result("\(digest)  \(ByteSize.text(bytes))") }
        let verb = dryRun ? "would remove" : "removed"
        let resting = report.restingCount == 0 ? "" : ", and \(report.restingCount) that were used lately"
        shared.console.result(
            "\(verb) \(report.removed.count) objects, \(ByteSize.text(report.removedBytes)); kept \(report.keptCount)\(resting)"
        )
    }
}
