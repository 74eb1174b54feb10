import Architectures
import Diagnostics
import Files
import JSON
import Support

/// The configs of known models, in `Fixtures/plan`.
enum ConfigFixtures {
    static let folder = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures/plan")

    static func architecture(_ name: String, head: ModelHead? = nil) throws -> Architecture {
        try Architecture(path: Paths.joined(folder, name + ".json"), head: head)
    }

    static func config(_ name: String) throws -> JSONObject {
        let file = try InputFile(path: Paths.joined(folder, name + ".json"))
        return try JSONValue.parse(file.read(at: 0, count: file.size)).object ?? JSONObject()
    }
}
