import Files
import JSON
import Support
import Testing

/// A store in a temporary folder, and the tool run on it.
struct StoreFixture {
    let path: String

    /// Makes an empty store named `name` in `place`.
    init(in place: TemporaryFolder, named name: String = "store") throws {
        path = place(name)
        try succeed(["store", "init", "--store", path])
    }

    /// A copy of another store, file by file, with the rights of a new one.
    init(copying other: StoreFixture, to path: String) throws {
        self.path = path
        try Self.copy(other.path, to: path)
    }

    private static func copy(_ source: String, to target: String) throws {
        try Folder.make(target)
        for entry in try Folder.entries(of: source) {
            let (from, to) = (Paths.joined(source, entry.name), Paths.joined(target, entry.name))
            if entry.kind == .folder { try copy(from, to: to) } else { try writeFile(try contents(of: from), to: to) }
        }
    }

    /// The words of `verb` with the store's place.
    func words(_ verb: [String]) -> [String] { ["store"] + verb + ["--store", path] }

    @discardableResult
    func run(_ verb: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> ToolRun {
        try succeed(words(verb), sourceLocation: sourceLocation)
    }

    /// The document that `verb` prints with `--json`.
    @discardableResult
    func document(_ verb: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> JSONValue {
        try JSONValue.parse(run(verb + ["--json"], sourceLocation: sourceLocation).standardOutput)
    }

    /// Adds a fixture's adapter under a name and gives its digest.
    @discardableResult
    func add(_ fixture: String, as name: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let document = try document(
            ["add", Fixtures.path(fixture), "--name", name], sourceLocation: sourceLocation)
        return try #require(document["digest"]?.string, sourceLocation: sourceLocation)
    }

    /// Every name, with its tag, and the digest that it stands for.
    func names(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: String] {
        var names: [String: String] = [:]
        for object in try document(["list", "--limit", "0"], sourceLocation: sourceLocation)["objects"]?.array ?? [] {
            let name = (object["name"]?.string ?? "") + ":" + (object["tag"]?.string ?? "")
            names[name] = object["digest"]?.string ?? ""
        }
        return names
    }

    /// Expects `fsck` to find nothing that is wrong.
    func expectSound(level: String = "full", _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let run = try runTool(words(["fsck", "--level", level]))
        #expect(run.status == 0, "\(comment) \(run.output) \(run.errors)", sourceLocation: sourceLocation)
    }

    /// The codes of what `fsck` finds, of damage alone.
    func damage(level: String = "full") throws -> [String] { try codes(["fsck", "--level", level], damage: true) }

    /// The codes of what a verb that checks finds.
    func codes(_ verb: [String], damage: Bool? = nil) throws -> [String] {
        let run = try runTool(words(verb + ["--json"]))
        try #require([0, 1].contains(run.status), "\(run.errors)")
        let findings = try JSONValue.parse(run.standardOutput)["findings"]?.array ?? []
        return findings.filter { damage == nil || $0["isDamage"]?.bool == damage }.compactMap { $0["code"]?.string }
            .sorted()
    }

    /// The file of an object.
    func object(_ digest: String) -> String {
        Paths.joined(path, "objects/sha256/\(digest.prefix(2))/\(digest)")
    }

    func callAsFunction(_ name: String) -> String { Paths.joined(path, name) }
}
