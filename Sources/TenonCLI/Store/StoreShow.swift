import AdapterStore
import ArgumentParser
import Diagnostics
import JSON
import Packaging

struct StoreShow: ParsableCommand, Exemplified {
    static let example = "tenon store show support-bot:v3 --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what the store knows of an adapter.")

    @Argument(help: ArgumentHelp("A name, or the beginning of a digest.", valueName: "name[:tag]"))
    var reference: String

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let console = shared.console
        let store = try place.open()
        let details = try store.details(of: ObjectReference(reference))
        let object = details.object
        if shared.json {
            var document = object.document
            document["names"] = .array(details.names.map { .string("\($0)") })
            document["path"] = .string(store.layout.object(object.digest))
            var metadata = JSONObject()
            for (key, value) in details.metadata { metadata[key] = .string(value) }
            document["metadata"] = .object(metadata)
            document["parents"] = .array(details.parents.map { .string("\($0)") })
            document["children"] = .array(details.children.map { .string("\($0.digest)") })
            document["dependents"] = .array(details.dependents.map { .string("\($0.digest)") })
            console.result(.object(document))
            return
        }
        func row(_ name: String, _ value: String) {
            console.result((name + ":").padded(to: 16) + value.escapedForTerminal)
        }
        row("digest", "\(object.digest)")
        for name in details.names { row("name", "\(name)") }
        row("kind", object.sort.word)
        row("method", object.method)
        if let rank = object.rank { row("rank", "\(rank)") }
        row("parameters", object.parameterCount.grouped)
        row("stored", ByteSize.text(object.storedBytes))
        row("decoded", ByteSize.text(object.logicalBytes))
        row("went in", "\(ByteSize.text(object.inputBytes)) as \(object.origin)")
        row("content digest", "\(object.content)")
        row("base", object.baseRoot.map { "\($0)" } ?? "not bound")
        if let root = object.resultRoot { row("gives back", "\(root)") }
        row(
            "state",
            object.state == .whole ? "whole, checked to the level \(object.checkLevel.word)" : object.state.word)
        for (key, value) in details.metadata { row("  " + key, value) }
        for parent in details.parents { row("made from", "content \(parent)") }
        for child in details.children { row("made into", "\(child.digest)") }
        for dependent in details.dependents { row("needed by", "\(dependent.digest)") }
    }
}
