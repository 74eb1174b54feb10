import Digests
import Files
import JSON
import Support
import Testing

/// An image layout of one adapter, made part by part, so that any of them can be another than it should be.
struct LayoutFixture: Sendable {
    typealias Change = @Sendable (inout JSONObject) -> Void
    typealias Files = [String: [UInt8]]

    static let indexType = "application/vnd.oci.image.index.v1+json"
    static let manifestType = "application/vnd.oci.image.manifest.v1+json"

    /// What the tool exports, with nothing changed yet.
    static let sample = Result { try exported() }

    let container: [UInt8]
    let config: JSONObject
    /// What is done to each part before the parts that point at it are made.
    var changeConfig: Change = { _ in }
    var changeManifest: Change = { _ in }
    var changeDescriptor: Change = { _ in }
    /// Gets the files there are, for more blobs.
    var changeIndex: @Sendable (inout JSONObject, inout Files) -> Void = { _, _ in }
    /// What is done to all files at last.
    var changeFiles: @Sendable (inout Files) -> Void = { _ in }

    /// The parts of what the tool exports of an adapter called `a:v1`.
    private static func exported() throws -> LayoutFixture {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let digest = try store.add("loha", as: "a:v1")
            try store.run(["export", "a:v1", "-o", place("layout")])
            let index = try JSONValue.parse(contents(of: place("layout/index.json")))
            func blob(_ descriptor: JSONValue?) throws -> [UInt8] {
                try contents(of: place("layout/" + path(descriptor?["digest"]?.string ?? "")))
            }
            let manifest = try JSONValue.parse(blob(index["manifests"]?.array?.first))
            let config = try JSONValue.parse(blob(manifest["config"])).object ?? JSONObject()
            return LayoutFixture(container: try contents(of: store.object(digest)), config: config)
        }
    }

    /// Where the blob of a digest `sha256:…` lies.
    static func path(_ digest: String) -> String { "blobs/sha256/" + digest.dropFirst(7) }

    static func text(_ object: JSONObject) -> [UInt8] { JSONWriter.bytes(of: .object(object), .compact) }

    static func descriptor(_ mediaType: String, _ bytes: [UInt8]) -> JSONObject {
        var object = JSONObject()
        object["mediaType"] = .string(mediaType)
        object["digest"] = .string("sha256:\(SHA256.hash(bytes))")
        object["size"] = JSONValue(bytes.count)
        return object
    }

    /// Adds a blob and gives what points at it.
    static func add(_ bytes: [UInt8], _ mediaType: String, to files: inout Files) -> JSONObject {
        let descriptor = descriptor(mediaType, bytes)
        files[path(descriptor["digest"]?.string ?? "")] = bytes
        return descriptor
    }

    static func index(_ manifests: [JSONValue]) -> JSONObject {
        var index = JSONObject()
        index["schemaVersion"] = 2
        index["mediaType"] = .string(indexType)
        index["manifests"] = .array(manifests)
        return index
    }

    func files() -> Files {
        var files: Files = [:]
        var config = config
        changeConfig(&config)
        var manifest = JSONObject()
        manifest["schemaVersion"] = 2
        manifest["mediaType"] = .string(Self.manifestType)
        manifest["config"] = .object(
            Self.add(Self.text(config), "application/vnd.tenon.delta.config.v1+json", to: &files))
        manifest["layers"] = [
            .object(Self.add(container, "application/vnd.tenon.delta.container.v1", to: &files))
        ]
        changeManifest(&manifest)
        var descriptor = Self.add(Self.text(manifest), Self.manifestType, to: &files)
        descriptor["annotations"] = ["org.opencontainers.image.ref.name": "a:v1"]
        changeDescriptor(&descriptor)
        var index = Self.index([.object(descriptor)])
        changeIndex(&index, &files)
        files["index.json"] = Self.text(index)
        files["oci-layout"] = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)
        changeFiles(&files)
        return files
    }

    func writeFolder(to path: String) throws {
        for folder in ["", "/blobs", "/blobs/sha256"] { try Folder.make(path + folder) }
        for (name, bytes) in files() { try writeFile(bytes, to: Paths.joined(path, name)) }
    }

    /// The container's place.
    var containerPath: String { "blobs/sha256/\(SHA256.hash(container))" }
}

extension JSONObject {
    /// Changes the object under a key.
    mutating func change(_ key: String, _ body: (inout JSONObject) -> Void) {
        var object = self[key]?.object ?? JSONObject()
        body(&object)
        self[key] = .object(object)
    }
}

/// A tar made entry by entry, right or wrong.
struct TarFixture {
    private(set) var bytes: [UInt8] = []

    init() {}

    init(_ files: LayoutFixture.Files) {
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) { add(name, bytes) }
    }

    /// - Parameter size: What the header says; the bytes' own count unless given.
    mutating func add(
        _ name: String, _ content: [UInt8] = [], flag: Character = "0", link: String = "", size: Int? = nil,
        prefix: String = "", magic: String = "ustar\u{0}00", checksum: Int = 0
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000644\u{0}0000000\u{0}0000000", at: 100)
        let digits = String(size ?? content.count, radix: 8)
        put(String(repeating: "0", count: max(0, 11 - digits.count)) + digits, at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put(String(flag), at: 156)
        put(link, at: 157)
        put(magic, at: 257)
        put(prefix, at: 345)
        let sum = String(block.reduce(checksum) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", at: 148)
        bytes += block + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// An extended header for the next entry.
    mutating func add(pax records: [(key: String, value: String)]) {
        var content: [UInt8] = []
        for (key, value) in records {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while "\(length)".utf8.count + rest.utf8.count != length { length += 1 }
            content += Array("\(length)\(rest)".utf8)
        }
        add("pax", content, flag: "x")
    }

    var ended: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}

/// Expects an import to be refused, and the store to be as it was.
func expectImportRefused(_ source: String, _ code: String, tells: String, in place: TemporaryFolder) throws {
    let store = try StoreFixture(in: place)
    let ia3 = try store.add("ia3", as: "kept")
    let reflog = try contents(of: store("reflog"))
    for more in [[], ["--dry-run"]] {
        try expectFailure(65, code, store.words(["import", source] + more))
        let errors = try runTool(store.words(["import", source] + more)).errors
        #expect(errors.contains(tells), "\(errors)")
    }
    #expect(try store.names() == ["kept:latest": ia3])
    #expect(try contents(of: store("reflog")) == reflog)
    #expect(try Folder.entries(of: store("objects/sha256")).count == 1)
    #expect(try Folder.entries(of: store("tmp")).isEmpty)
    try store.expectSound()
}
