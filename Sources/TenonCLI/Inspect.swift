import Adapters
import ArgumentParser
import DeltaFormat
import Diagnostics
import Digests
import Files
import JSON
import Packaging
import Training
import Tensors

struct Inspect: ParsableCommand, Exemplified {
    static let example = "tenon inspect my-adapter.tenon --tensors"

    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what is in a container, without reading its data.")

    @Argument(help: ArgumentHelp("The container; - reads it from stdin.", valueName: "x.tenon"))
    var container: String

    @Flag(help: "List every tensor.")
    var tensors = false

    @Flag(help: "Compute the SHA-256 of the file, which reads it all.")
    var blobDigest = false

    @OptionGroup var shared: SharedOptions

    func run() throws {
        var times = StageTimes()
        let file = try InputFile.opened(container)
        let summary = ContainerSummary(try Container(file))
        times.end("index")
        let blob = blobDigest ? try BlobDigest.of(file) : nil
        if blobDigest { times.end("digest") }
        if shared.json {
            shared.console.result(summary.document(blobDigest: blob))
        } else {
            print(summary, blob: blob)
        }
        if shared.verbose { shared.console.tell(times) }
    }

    private func print(_ summary: ContainerSummary, blob: Digest?) {
        let console = shared.console
        func row(_ name: String, _ value: String) {
            console.result((name + ":").padded(to: 16) + value.escapedForTerminal)
        }
        row("method", summary.method)
        row("parameters", summary.parameterCount.grouped)
        row("tensors", "\(summary.tensorCount) in \(summary.entries.count) entries")
        row("decoded", ByteSize.text(summary.logicalBytes))
        row("stored", ByteSize.text(summary.storedBytes))
        for (key, value) in summary.metadata
        where key != "base" && (key != Lineage.key || summary.lineage == nil) {
            row(key, TrainingRecord.summary(key, value) ?? value)
        }
        if let tree = summary.lineage?.tree {
            row("lineage", tree[0])
            for line in tree.dropFirst() { console.result(line.escapedForTerminal) }
        }
        for member in summary.parameters.members { row("  " + member.key, member.value.summary) }
        for kind in summary.kinds { row("entries", "\(kind.count) \(kind.word)") }
        row("content digest", "\(summary.contentDigest)")
        row("index digest", "\(summary.indexDigest)")
        if let blob { row("blob digest", "\(blob)") }
        row("base", summary.base.map { "\($0.root)" } ?? "not bound")
        for (key, value) in summary.metadata where key == "base" { row("  named", value) }
        if let base = summary.base { row("  header digest", "\(base.headerDigest)") }
        guard tensors else { return }
        for entry in summary.entries {
            console.result(entry.key.description.escapedForTerminal)
            if let leaf = entry.binding?.baseLeaf { console.result("  base leaf   \(leaf)") }
            if let leaf = entry.binding?.resultLeaf { console.result("  result leaf \(leaf)") }
            for tensor in entry.tensors {
                let line = "  " + tensor.role.padded(to: 12) + tensor.dtype.padded(to: 6) + tensor.shape.padded(to: 16)
                console.result(line + "\(tensor.logicalBytes) -> \(tensor.storedBytes) bytes")
            }
        }
    }
}

extension String {
    /// With spaces up to so many characters, and at least one.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}

extension Int {
    /// With a comma every three digits.
    var grouped: String {
        var text = ""
        for (index, digit) in String(magnitude).reversed().enumerated() {
            if index > 0 && index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (self < 0 ? "-" : "") + String(text.reversed())
    }
}
