import Adapters
import ArgumentParser
import Checkpoints
import Diagnostics
import Files
import Generation

/// An adapter by a name and with a weight: `[NAME=]PATH[@WEIGHT]`.
struct AdapterChoice: ExpressibleByArgument, Hashable {
    private let text: String

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        text = argument
    }

    private struct Parts {
        var name: String?
        var path: String
        var weight = 1.0
    }

    /// A path that is there is one, whatever characters it has.
    private func parts() throws(Failure) -> Parts {
        var parts = Parts(path: text)
        if try Folder.kind(of: text) != nil { return parts }
        if let sign = text.lastIndex(of: "@"), let weight = Double(text[text.index(after: sign)...]) {
            guard weight.isFinite, Float(weight).isFinite else {
                throw Failure(.usage, "the weight of an adapter is no finite number", object: text)
            }
            parts.path = String(text[..<sign])
            parts.weight = weight
        }
        if let sign = parts.path.firstIndex(of: "="), try Folder.kind(of: parts.path) == nil {
            parts.name = String(parts.path[..<sign])
            parts.path = String(parts.path[parts.path.index(after: sign)...])
        }
        return parts
    }

    /// Without name and weight.
    var path: String {
        get throws(Failure) { try parts().path }
    }

    /// Opens all of them.
    ///
    /// Throws ``Failure/Code/usage`` where two go by one name, and for a weight that is no number.
    static func open(
        _ choices: [AdapterChoice], on base: Checkpoint, shared: SharedOptions
    ) throws -> [AdapterInUse] {
        var adapters: [AdapterInUse] = []
        for choice in choices {
            let parts = try choice.parts()
            let file = Paths.lastComponent(of: parts.path)
            let name = parts.name ?? (file.hasSuffix(".tenon") ? String(file.dropLast(".tenon".count)) : file)
            guard !name.isEmpty, !adapters.contains(where: { $0.name == name }) else {
                throw Failure(
                    .usage, name.isEmpty ? "an adapter has no name" : "two adapters go by one name", object: name,
                    hint: "--adapter NAME=PATH gives one another")
            }
            let adapter = try AdapterSource.open(parts.path, on: base, shared: shared)
            adapters.append(AdapterInUse(name: name, adapter, weight: parts.weight))
        }
        return adapters
    }
}
