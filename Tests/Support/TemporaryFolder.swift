import Files

/// A new empty folder, removed with all it holds when this is released.
///
/// Keep the value alive for as long as the folder is needed: `withExtendedLifetime`, or a later use.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws {
        let parent = Syscalls.environment("TMPDIR") ?? "/tmp"
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        path = Paths.joined(parent, "tenon-tests-\(random)")
        try Folder.make(path)
    }

    deinit {
        try? Folder.remove(path)
    }

    /// The path of `name` in this folder.
    package func callAsFunction(_ name: String) -> String { Paths.joined(path, name) }

    /// Writes a file into this folder and gives its path.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = try OutputFile.create(at: self(name), replacing: true, durability: .none)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
        return file.path
    }

    /// The names in this folder, hidden ones too, sorted.
    package func names() throws -> [String] {
        try Folder.entries(of: path).map(\.name)
    }
}

/// The whole content of the file at `path`.
package func contents(of path: String) throws -> [UInt8] {
    let file = try InputFile(path: path)
    return try file.read(at: 0, count: file.size)
}
