import Files
package import JSON

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A record of `Fixtures/hostile/cases.json`, whose generator says what the fields mean.
package struct HostileCase: Sendable, CustomStringConvertible {
    package let row: Int
    package let name: String
    package let record: JSONValue

    package var description: String { "row \(row), \(name)" }
    /// Why nothing is run yet.
    package var isOpen: Bool { record["open"] != nil }
    package var file: String? { record["file"]?.string.map { Paths.joined(Self.folder, $0) } }
    package var make: String? { record["make"]?.string }
    /// The word of the code; "*" for any, nil where the input is accepted.
    package var code: String? { record["code"]?.string }
    package var exit: Int? { record["exit"]?.int }
    package var tells: String? { record["tells"]?.string }
    package var never: [String] { (record["never"]?.array ?? []).compactMap(\.string) }
    package var command: [String]? { record["command"]?.array.map { $0.compactMap(\.string) } }

    package var environment: [String: String?] {
        var variables: [String: String?] = [:]
        for member in record["environment"]?.object?.members ?? [] { variables[member.key] = member.value.string }
        return variables
    }

    /// `Fixtures/hostile`, found from where this file lies.
    package static let folder = Paths.joined(root, "Fixtures/hostile")
    package static let root = Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath)))

    /// All records, none if they cannot be read.
    package static let all: [HostileCase] = {
        guard let bytes = try? contents(of: Paths.joined(folder, "cases.json")),
            let records = try? JSONValue.parse(bytes).array
        else { return [] }
        return records.compactMap { record in
            guard let row = record["row"]?.int, let name = record["name"]?.string else { return nil }
            return HostileCase(row: row, name: name, record: record)
        }
    }()

    /// The file that the ones made by every cut or every flip are made of.
    package func original() throws -> [UInt8] {
        try contents(of: Paths.joined(Self.folder, record["of"]?.string ?? ""))
    }

    /// The input, made in `folder` where it is not there already; nil where only the test itself can make it.
    package func input(in folder: TemporaryFolder) throws -> String? {
        switch make {
        case nil: return file
        case "pieces"?: return try folder.write(try pieces("pieces") { try Self.bytes(hexadecimal: $0) }, to: "x.tenon")
        case "folder"?: try Folder.make(folder("x.tenon"))
        case "fifo"?:
            guard unsafe mkfifo(folder("x.tenon"), 0o600) == 0 else {
                throw ToolError(description: "cannot make a pipe")
            }
        case "missing"?: break
        case "device"?: return "/dev/zero"
        case "proc"?: return "/proc/self/status"
        default: return nil
        }
        return folder("x.tenon")
    }

    /// The adapter to pack, made in `folder`; nil where the record has none.
    package func adapter(in folder: TemporaryFolder) throws -> String? {
        try made("adapter", over: "adapter", in: folder)
    }

    /// The model to bind or apply to, made in `folder`; nil where the record has none.
    package func base(in folder: TemporaryFolder) throws -> String? {
        try made("base", over: "base", in: folder)
    }

    /// The folder `usual` with the files that the record has under `key` in place of its own; null takes one away.
    private func made(_ key: String, over usual: String, in folder: TemporaryFolder) throws -> String? {
        guard let changed = record[key]?.object else { return nil }
        try Folder.make(folder(key))
        let path = Paths.joined(Self.folder, usual)
        for name in try Folder.entries(of: path).map(\.name) where changed[name] == nil {
            try folder.write(try contents(of: Paths.joined(path, name)), to: key + "/" + name)
        }
        for member in changed.members where !member.value.isNull {
            let part = HostileCase(row: row, name: name, record: member.value)
            let bytes: [UInt8] =
                if let text = member.value.string {
                    Array(text.utf8)
                } else if let text = member.value["hex"]?.string {
                    try Self.bytes(hexadecimal: text)
                } else {
                    try part.pieces("parts") { Array($0.utf8) }
                }
            try folder.write(bytes, to: key + "/" + member.key)
        }
        return folder(key)
    }

    private func pieces(_ key: String, _ bytes: (String) throws -> [UInt8]) throws -> [UInt8] {
        var content: [UInt8] = []
        for piece in record[key]?.array ?? [] {
            guard let pair = piece.array, pair.count == 2, let text = pair[0].string, let count = pair[1].int else {
                throw ToolError(description: "\(self) has a piece that is none")
            }
            let unit = try bytes(text)
            for _ in 0..<count { content += unit }
        }
        return content
    }

    package static func bytes(hexadecimal text: String) throws -> [UInt8] {
        let digits = text.utf8.map { $0 > 0x60 ? $0 - 0x57 : $0 - 0x30 }
        guard digits.count % 2 == 0, digits.allSatisfy({ $0 < 16 }) else {
            throw ToolError(description: "no hexadecimal digits")
        }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
