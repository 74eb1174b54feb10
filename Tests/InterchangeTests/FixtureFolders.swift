import Files
import JSON
import Support

/// The adapters that PEFT itself wrote, found from where this file lies.
enum FixtureFolders {
    static let root = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures")

    static let peft = Paths.joined(root, "peft")

    /// The names of all cases.
    static let all: [String] = {
        guard let entries = try? Folder.entries(of: peft) else { return [] }
        return entries.filter { $0.kind == .folder }.map(\.name)
    }()

    static func path(_ name: String) -> String { Paths.joined(peft, name) }

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue.parse(try contents(of: Paths.joined(root, name)))
    }

    /// `peft_type` of every case whose method is understood.
    static func understoodTypes() throws -> Set<String> {
        let methods = try json("methods.json").object?.members ?? []
        return Set(methods.filter { $0.value["status"]?.string == "understood" }.map(\.key))
    }
}
