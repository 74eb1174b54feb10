import AdapterStore
import ArgumentParser
import Diagnostics
import JSON
import Packaging

struct StoreExport: ParsableCommand, Exemplified {
    static let example = "tenon store export support-bot:v3 -o my-layout --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write adapters and checkpoints as an OCI image layout.",
        discussion: """
            The layout is a folder, or a tar where the output's name ends in .tar, that skopeo and others can copy to any \
            registry; `tenon store import` takes it in again. What a delta is made on goes along. The same objects under the \
            same names make the same bytes; SOURCE_DATE_EPOCH gives them a time.
            """)

    @Argument(
        help: ArgumentHelp(
            "A name, or the beginning of a digest, which goes under all of its names.", valueName: "name[:tag]"))
    var references: [String] = []

    @Flag(help: "Everything that has a name.")
    var all = false

    @Flag(help: "Without the checkpoints that deltas are made on.")
    var noBases = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard all != references.isEmpty else { return }
        throw ValidationError(all ? "--all leaves no names to give." : "Name what to export, or give --all.")
    }

    func run() throws {
        let console = shared.console
        guard output.output != "-" else {
            throw Failure(.usage, "a layout cannot go to the standard output", hint: "-o FOLDER, or -o FILE.tar")
        }
        var export = LayoutExport(to: output.output, lanes: shared.lanes)
        for reference in references { export.references.append(try ObjectReference(reference)) }
        export.isOfAll = all
        export.hasBases = !noBases
        export.replaces = output.force
        export.isDryRun = output.dryRun
        let report = try place.open().export(export)
        if shared.json {
            console.result([
                "output": .string(output.output), "bytes": JSONValue(report.byteCount), "dryRun": .bool(output.dryRun),
                "objects": .array(report.items.map(\.document)),
            ])
            return
        }
        for item in report.items {
            let called = item.names.isEmpty ? "" : item.names.map(\.description).joined(separator: ", ") + ": "
            let reason = item.isBase ? ", which others are made on" : ""
            console.result("\(called)\(item.object.shortDigest)  \(item.object.summary)\(reason)".escapedForTerminal)
        }
        let verb = output.dryRun ? "would write" : "wrote"
        console.result(
            "\(verb) \(output.output): \(report.items.count) objects, \(ByteSize.text(report.byteCount))"
                .escapedForTerminal)
    }
}

extension LayoutExportReport.Item {
    fileprivate var document: JSONValue {
        [
            "digest": .string("\(object.digest)"), "names": .array(names.map { .string("\($0)") }),
            "isBase": .bool(isBase), "storedBytes": JSONValue(object.storedBytes),
            "blobDigest": blob.map { .string("\($0)") } ?? nil,
            "manifestDigest": manifest.map { .string("\($0)") } ?? nil,
        ]
    }
}
