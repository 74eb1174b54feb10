import Files
import JSON
import Support

/// The adapters that PEFT itself wrote, found from where this file lies.
enum Fixtures {
    static let root = Paths.joined(Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures")

    /// The names of all adapters.
    static let all: [String] = {
        let entries = try? Folder.entries(of: Paths.joined(root, "peft"))
        return (entries ?? []).filter { $0.kind == .folder }.map(\.name)
    }()

    /// Those that `methods.json` calls understood.
    static let understood: [String] = {
        guard let bytes = try? contents(of: Paths.joined(root, "methods.json")),
            let methods = try? JSONValue.parse(bytes).object?.members
        else { return [] }
        var names: Set<String> = []
        for (_, method) in methods where method["status"]?.string == "understood" {
            names.formUnion((method["fixtures"]?.array ?? []).compactMap(\.string))
            names.subtract((method["opaqueFixtures"]?.array ?? []).compactMap(\.string))
        }
        return names.sorted()
    }()

    static func path(_ name: String) -> String { Paths.joined(Paths.joined(root, "peft"), name) }

    static func config(_ name: String) throws -> JSONObject {
        let bytes = try contents(of: Paths.joined(path(name), "adapter_config.json"))
        return try JSONValue.parse(bytes).object ?? JSONObject()
    }
}

/// Runs `body` with a folder that is there until it ends.
func inFolder<Value>(_ body: (TemporaryFolder) throws -> Value) throws -> Value {
    let place = try TemporaryFolder()
    return try withExtendedLifetime(place) { try body(place) }
}

/// Copies the files of a folder into a new one.
func copyFolder(_ source: String, to target: String) throws {
    try Folder.make(target)
    for entry in try Folder.entries(of: source) where entry.kind == .file {
        try writeFile(try contents(of: Paths.joined(source, entry.name)), to: Paths.joined(target, entry.name))
    }
}

/// Writes a file, in place of one that is there.
func writeFile(_ bytes: [UInt8], to path: String) throws {
    let file = try OutputFile.create(at: path, replacing: true, durability: .none)
    try unsafe file.write(bytes.span.bytes)
    try file.commit()
}

func exists(_ path: String) throws -> Bool {
    try Folder.kind(of: path) != nil
}

/// Runs `script` with /bin/sh in `folder`, where `tenon` is the built tool.
func runShell(
    _ script: String, in folder: String, secondsAllowed: Int = 60,
    interrupt: (signal: Int32, afterMilliseconds: Int)? = nil
) throws -> ToolRun {
    let path = Paths.parent(of: try toolPath()) + ":" + (Syscalls.environment("PATH") ?? "/usr/bin:/bin")
    return try runTool(
        ["-c", "cd '\(folder)' || exit 99\n" + script], environment: ["PATH": path], executable: "/bin/sh",
        secondsAllowed: secondsAllowed, interrupt: interrupt)
}
