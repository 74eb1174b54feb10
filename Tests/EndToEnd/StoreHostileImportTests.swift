import Digests
import Files
import JSON
import Support
import Testing

/// Layouts that are refused, and leave the store as it was: rows 82 to 85, 90 and 91 of the hostile cases.
@Suite("Hostile layouts")
struct StoreHostileImportTests {
    typealias Files = LayoutFixture.Files

    struct Case: Sendable, CustomStringConvertible {
        let row: Int
        let name: String
        var code = "import-rejected"
        /// What the message must say.
        var tells = ""
        var change: @Sendable (inout LayoutFixture) -> Void = { _ in }
        /// Run in the layout's folder, where $C is the container's place.
        var script = ""

        var description: String { "row \(row), \(name)" }
    }

    private static func extra(_ key: String, _ value: JSONValue) -> LayoutFixture.Change { { $0[key] = value } }

    /// A list of manifests, so many deep.
    private static func nested(_ depth: Int) -> @Sendable (inout LayoutFixture) -> Void {
        { layout in
            layout.changeIndex = { index, files in
                for _ in 1..<depth {
                    let inner = LayoutFixture.add(LayoutFixture.text(index), LayoutFixture.indexType, to: &files)
                    index = LayoutFixture.index([.object(inner)])
                }
            }
        }
    }

    private static func replacing(_ name: String, _ text: String) -> @Sendable (inout LayoutFixture) -> Void {
        { $0.changeFiles = { $0[name] = Array(text.utf8) } }
    }

    private static func naming(_ name: String) -> @Sendable (inout LayoutFixture) -> Void {
        { $0.changeDescriptor = extra("annotations", ["org.opencontainers.image.ref.name": .string(name)]) }
    }

    static let documents: [Case] = [
        Case(row: 82, name: "layers and manifests", tells: "manifests") { $0.changeManifest = extra("manifests", []) },
        Case(row: 82, name: "an index with layers", tells: "layers") {
            $0.changeIndex = { index, _ in index["layers"] = [] }
        },
        Case(row: 82, name: "an index with a config") { $0.changeIndex = { index, _ in index["config"] = [] } },
        Case(row: 82, name: "another media type", tells: "index") {
            $0.changeManifest = extra("mediaType", .string(LayoutFixture.indexType))
        },
        Case(row: 82, name: "a descriptor of another media type") {
            $0.changeDescriptor = extra("mediaType", .string(LayoutFixture.indexType))
        },
        Case(row: 82, name: "another schema") { $0.changeManifest = extra("schemaVersion", 1) },
        Case(row: 82, name: "an image of something else", tells: "application/vnd.oci.image.config.v1+json") {
            $0.changeManifest = { manifest in
                manifest.change("config") { $0["mediaType"] = "application/vnd.oci.image.config.v1+json" }
            }
        },
        Case(row: 82, name: "another artifact") { $0.changeManifest = extra("artifactType", "text/plain") },
        Case(row: 82, name: "a layer of something else", tells: "tar+gzip") {
            $0.changeManifest = { manifest in
                var layer = manifest["layers"]?.array?.first?.object ?? JSONObject()
                layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
                manifest["layers"] = [.object(layer)]
            }
        },
        Case(row: 82, name: "two layers", tells: "one layer") {
            $0.changeManifest = { $0["layers"] = .array(($0["layers"]?.array ?? []) + ($0["layers"]?.array ?? [])) }
        },
        Case(row: 82, name: "no layer") { $0.changeManifest = extra("layers", []) },
        Case(row: 82, name: "an unknown kind of manifest", tells: "docker") {
            $0.changeDescriptor = extra("mediaType", "application/vnd.docker.distribution.manifest.v2+json")
        },
        Case(row: 83, name: "a container that is another", code: "digest-mismatch") { layout in
            let place = layout.containerPath
            layout.changeFiles = { $0[place]?[200] ^= 1 }
        },
        Case(row: 83, name: "a container that is longer", tells: "another size") { layout in
            let place = layout.containerPath
            layout.changeFiles = { $0[place]?.append(0) }
        },
        Case(row: 83, name: "a container that is shorter", tells: "another size") { layout in
            let place = layout.containerPath
            layout.changeFiles = { $0[place]?.removeLast() }
        },
        Case(row: 83, name: "a container that is missing", tells: "lacks a blob") { layout in
            let place = layout.containerPath
            layout.changeFiles = { $0[place] = nil }
        },
        Case(row: 83, name: "a manifest that is another", code: "digest-mismatch") {
            $0.changeDescriptor = { descriptor in
                descriptor["digest"] = .string(
                    "sha256:" + String((descriptor["digest"]?.string ?? "").dropFirst(7).reversed()))
            }
            $0.changeIndex = { index, files in
                let text = index["manifests"]?.array?.first?["digest"]?.string ?? ""
                let real = "blobs/sha256/" + String(text.dropFirst(7).reversed())
                files[LayoutFixture.path(text)] = files[real]
            }
        },
        Case(row: 83, name: "a size that lies") { $0.changeDescriptor = extra("size", 5) },
        Case(row: 83, name: "a size that lies the second time", tells: "another size") {
            $0.changeIndex = { index, _ in
                let one = index["manifests"]?.array?.first ?? .null
                var other = one.object ?? JSONObject()
                other["size"] = 5
                index["manifests"] = [one, .object(other)]
            }
        },
        Case(row: 83, name: "a size that is huge") { $0.changeDescriptor = extra("size", 0x7FFF_FFFF_FFFF_FFFF) },
        Case(row: 83, name: "a size below zero") { $0.changeDescriptor = extra("size", -1) },
        Case(row: 83, name: "a container that is damaged, with its digest", tells: "damaged") { layout in
            var bytes = layout.container
            bytes[bytes.count / 2] ^= 1
            layout = LayoutFixture(container: bytes, config: layout.config)
        },
        Case(row: 83, name: "no container at all, with its digest") {
            $0 = LayoutFixture(container: Array("GGUF, or something".utf8), config: $0.config)
        },
        Case(row: 83, name: "a config of another container", tells: "contentDigest") {
            $0.changeConfig = extra("contentDigest", .string("\(SHA256.hash([]))"))
        },
        Case(row: 83, name: "a config of another rank", tells: "rank") { $0.changeConfig = extra("rank", 99) },
        Case(row: 83, name: "a config of a base that is none", tells: "base") {
            $0.changeConfig = extra("base", .string("\(SHA256.hash([]))"))
        },
        Case(row: 83, name: "a config that calls it a checkpoint's", tells: "origin") {
            $0.changeConfig = extra("origin", "checkpoint")
        },
        Case(row: 83, name: "a config of an unknown origin") { $0.changeConfig = extra("origin", "../x") },
        Case(row: 83, name: "a config of a newer version", tells: "version") { $0.changeConfig = extra("version", 2) },
        Case(row: 83, name: "metadata that are none") { $0.changeConfig = extra("metadata", ["k": 1]) },
        Case(row: 84, name: "data that are another blob", code: "digest-mismatch") {
            $0.changeDescriptor = extra("data", "AAAA")
        },
        Case(row: 84, name: "data that are not Base64", tells: "Base64") { $0.changeDescriptor = extra("data", "=A=") },
        Case(row: 85, name: "a name that leads out", tells: "../../evil") { layout in naming("../../evil")(&layout) },
        Case(row: 85, name: "an absolute name") { layout in naming("/etc/passwd")(&layout) },
        Case(row: 85, name: "a reserved name") { layout in naming("sha256:abcd")(&layout) },
        Case(row: 85, name: "an empty name") { layout in naming("")(&layout) },
        Case(row: 85, name: "a name with a newline") { layout in naming("a\nb")(&layout) },
        Case(row: 85, name: "annotations that are no texts") { $0.changeDescriptor = extra("annotations", ["a": 1]) },
        Case(row: 85, name: "a name for two objects", tells: "two objects") {
            $0.changeIndex = { index, files in
                let one = index["manifests"]?.array?.first?.object ?? JSONObject()
                let place = LayoutFixture.path(one["digest"]?.string ?? "")
                var other = LayoutFixture.add((files[place] ?? []) + [10], LayoutFixture.manifestType, to: &files)
                other["annotations"] = one["annotations"]
                index["manifests"] = [.object(one), .object(other)]
            }
        },
        Case(row: 85, name: "an object that comes twice", tells: "twice") {
            $0.changeIndex = { index, files in
                let one = index["manifests"]?.array?.first?.object ?? JSONObject()
                let place = LayoutFixture.path(one["digest"]?.string ?? "")
                let other = LayoutFixture.add((files[place] ?? []) + [10], LayoutFixture.manifestType, to: &files)
                index["manifests"] = [.object(one), .object(other)]
            }
        },
        Case(row: 90, name: "indexes five deep", tells: "too deep", change: nested(5)),
        Case(row: 90, name: "too many manifests", tells: "at most 4096") {
            $0.changeIndex = { index, _ in
                let one = index["manifests"]?.array?.first ?? .null
                index["manifests"] = .array(Array(repeating: one, count: 4097))
            }
        },
        Case(row: 90, name: "an index that lists itself over and over", tells: "at most 4096") {
            $0.changeIndex = { index, files in
                for _ in 0..<3 {
                    let inner = LayoutFixture.add(LayoutFixture.text(index), LayoutFixture.indexType, to: &files)
                    index = LayoutFixture.index(Array(repeating: .object(inner), count: 60))
                }
            }
        },
        Case(row: 90, name: "a manifest above 4 MiB", tells: "too large") {
            $0.changeManifest = extra("annotations", ["a": .string(String(repeating: "a", count: 4 << 20))])
        },
        Case(row: 90, name: "a name for a list") {
            $0.changeIndex = { index, files in
                var inner = LayoutFixture.add(LayoutFixture.text(index), LayoutFixture.indexType, to: &files)
                inner["annotations"] = ["org.opencontainers.image.ref.name": "all"]
                index = LayoutFixture.index([.object(inner)])
            }
        },
        Case(row: 90, name: "no manifests") { $0.changeIndex = { index, _ in index["manifests"] = [] } },
        Case(row: 90, name: "no list of manifests") { $0.changeIndex = { index, _ in index["manifests"] = nil } },
        Case(row: 91, name: "an unknown digest", tells: "sha512") {
            $0.changeDescriptor = extra("digest", .string("sha512:" + String(repeating: "0", count: 128)))
        },
        Case(row: 91, name: "a digest that leads out", tells: "../") {
            $0.changeDescriptor = extra("digest", "sha256:../../../../etc/passwd")
        },
        Case(row: 91, name: "a digest in capitals") {
            $0.changeDescriptor = { $0["digest"] = .string(($0["digest"]?.string ?? "").uppercased()) }
        },
        Case(row: 91, name: "no index", tells: "no OCI image layout") { $0.changeFiles = { $0["index.json"] = nil } },
        Case(row: 91, name: "no version", tells: "no OCI image layout") { $0.changeFiles = { $0["oci-layout"] = nil } },
        Case(row: 91, name: "another version", change: replacing("oci-layout", #"{"imageLayoutVersion":"2.0.0"}"#)),
        Case(
            row: 91, name: "a key that comes twice", tells: "twice", change: replacing("index.json", #"{"a":1,"a":2}"#)),
        Case(row: 91, name: "an index that is no JSON", change: replacing("index.json", "{")),
        Case(row: 91, name: "an index that is a list", change: replacing("index.json", "[]")),
        Case(
            row: 91, name: "an index nested too deep for JSON",
            change: replacing("index.json", String(repeating: "[", count: 1000))),
    ]

    static let places: [Case] = [
        Case(
            row: 91, name: "a blob that is a symbolic link", tells: "symbolic link",
            script: "mv $C ../c; ln -s ../../../c $C"),
        Case(row: 91, name: "a blob that is a pipe", tells: "pipe", script: "rm $C; mkfifo $C"),
        Case(row: 91, name: "a blob that is a device", tells: "link", script: "rm $C; ln -s /dev/zero $C"),
        Case(row: 91, name: "a blob that is a folder", tells: "folder", script: "rm $C; mkdir $C"),
        Case(row: 91, name: "an index that is a symbolic link", script: "mv index.json ../i; ln -s ../i index.json"),
        Case(row: 91, name: "an index that is a pipe", script: "rm index.json; mkfifo index.json"),
        Case(row: 91, name: "blobs that are a symbolic link", script: "mv blobs ../b; ln -s ../b blobs"),
        Case(row: 91, name: "blobs that are a file", script: "rm -r blobs; echo x > blobs"),
        Case(
            row: 91, name: "digests that are a symbolic link",
            script: "mv blobs/sha256 ../s; ln -s ../../s blobs/sha256"),
    ]

    @Test("in a folder are refused whole", arguments: documents + places)
    func folder(hostile: Case) throws {
        try inFolder { place in
            var layout = try LayoutFixture.sample.get()
            let container = layout.containerPath
            hostile.change(&layout)
            try layout.writeFolder(to: place("layout"))
            if !hostile.script.isEmpty {
                let run = try runShell("C=\(container); \(hostile.script)", in: place("layout"))
                try #require(run.status == 0, "\(run.errors)")
            }
            try expectImportRefused(place("layout"), hostile.code, tells: hostile.tells, in: place)
        }
    }

    @Test("in a tar are refused whole", arguments: documents)
    func tar(hostile: Case) throws {
        try inFolder { place in
            var layout = try LayoutFixture.sample.get()
            hostile.change(&layout)
            try place.write(TarFixture(layout.files()).ended, to: "layout.tar")
            try expectImportRefused(place("layout.tar"), hostile.code, tells: hostile.tells, in: place)
        }
    }

    // MARK: What must not be refused

    static let harmless: [Case] = [
        Case(row: 91, name: "as it is"),
        Case(row: 84, name: "places on the network, which nobody visits") {
            $0.changeDescriptor = extra("urls", ["http://127.0.0.1:1/evil"])
        },
        Case(row: 84, name: "data that are the blob") {
            $0.changeIndex = { index, files in
                let empty = LayoutFixture.add(
                    LayoutFixture.text(LayoutFixture.index([])), LayoutFixture.indexType, to: &files)
                var copied = empty
                copied["data"] = .string(
                    "eyJzY2hlbWFWZXJzaW9uIjoyLCJtZWRpYVR5cGUiOiJhcHBsaWNhdGlvbi92bmQub2NpLmltYWdlLmluZGV4LnYxK2pzb24iLCJtYW5pZmVzdHMiOltdfQ=="
                )
                index["manifests"] = .array((index["manifests"]?.array ?? []) + [.object(copied)])
            }
        },
        Case(row: 85, name: "a title that leads out, which nobody heeds") {
            $0.changeManifest = extra("annotations", ["org.opencontainers.image.title": "../../evil"])
        },
        Case(row: 82, name: "an artifact that says what it is") {
            $0.changeManifest = extra("artifactType", "application/vnd.tenon.delta.v1")
        },
        Case(row: 90, name: "indexes four deep", change: nested(4)),
        Case(row: 90, name: "a manifest that is listed often") {
            $0.changeIndex = { index, _ in
                index["manifests"] = .array(Array(repeating: index["manifests"]?.array?.first ?? .null, count: 4096))
            }
        },
        Case(row: 91, name: "a blob that is a hard link", script: "ln $C ../c"),
        Case(row: 91, name: "files that nobody points at", script: "echo x > manifest.json; echo y > blobs/sha256/y"),
    ]

    @Test("what is harmless is imported", arguments: harmless)
    func accepted(case harmless: Case) throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            var layout = try LayoutFixture.sample.get()
            let container = layout.containerPath
            harmless.change(&layout)
            try layout.writeFolder(to: place("layout"))
            if !harmless.script.isEmpty {
                #expect(try runShell("C=\(container); \(harmless.script)", in: place("layout")).status == 0)
            }
            try store.run(["import", place("layout"), "--dry-run"])
            #expect(try store.names().isEmpty)
            try store.run(["import", place("layout")])
            #expect(try store.names().keys.sorted() == ["a:v1"])
            try store.expectSound()

            let other = try StoreFixture(in: place, named: "of-a-tar")
            try place.write(TarFixture(layout.files()).ended, to: "layout.tar")
            try other.run(["import", place("layout.tar")])
            #expect(try other.names() == store.names())
            try other.expectSound()
        }
    }
}
