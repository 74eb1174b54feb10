import Digests
import Files
import JSON
import Support
import Testing

/// Layouts that are refused, and leave the store as it was: rows 82 to 85, 90 and 91 of the hostile cases.
@Suite("Hostile layouts")
struct StoreHostileImportTests {
    typealias Files = LayoutFixture.Files
    private static let good = Result { try LayoutFixture.exported() }

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
        Case(row: 82, name: "an index with layers", tells: "layers") { $0.changeIndex = { index, _ in index["layers"] = [] } },
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
        Case(row: 91, name: "a key that comes twice", tells: "twice", change: replacing("index.json", #"{"a":1,"a":2}"#)),
        Case(row: 91, name: "an index that is no JSON", change: replacing("index.json", "{")),
        Case(row: 91, name: "an index that is a list", change: replacing("index.json", "[]")),
        Case(row: 91, name: "an index nested too deep for JSON",
            change: replacing("index.json", String(repeating: "[", count: 1000))),
    ]

    static let places: [Case] = [
        Case(row: 91, name: "a blob that is a symbolic link", tells: "symbolic link", script: "mv $C ../c; ln -s ../../../c $C"),
        Case(row: 91, name: "a blob that is a pipe", tells: "pipe", script: "rm $C; mkfifo $C"),
        Case(row: 91, name: "a blob that is a device", tells: "link", script: "rm $C; ln -s /dev/zero $C"),
        Case(row: 91, name: "a blob that is a folder", tells: "folder", script: "rm $C; mkdir $C"),
        Case(row: 91, name: "an index that is a symbolic link", script: "mv index.json ../i; ln -s ../i index.json"),
        Case(row: 91, name: "an index that is a pipe", script: "rm index.json; mkfifo index.json"),
        Case(row: 91, name: "blobs that are a symbolic link", script: "mv blobs ../b; ln -s ../b blobs"),
        Case(row: 91, name: "blobs that are a file", script: "rm -r blobs; echo x > blobs"),
        Case(row: 91, name: "digests that are a symbolic link", script: "mv blobs/sha256 ../s; ln -s ../../s blobs/sha256"),
    ]

    /// Expects an import to be refused, and the store to be as it was.
    private func expectRefused(_ source: String, _ code: String, tells: String, in place: TemporaryFolder) throws {
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

    @Test("in a folder are refused whole", arguments: documents + places)
    func folder(hostile: Case) throws {
        try inFolder { place in
            var layout = try Self.good.get()
            let container = layout.containerPath
            hostile.change(&layout)
            try layout.writeFolder(to: place("layout"))
            if !hostile.script.isEmpty {
                let run = try runShell("C=\(container); \(hostile.script)", in: place("layout"))
                try #require(run.status == 0, "\(run.errors)")
            }
            try expectRefused(place("layout"), hostile.code, tells: hostile.tells, in: place)
        }
    }

    @Test("in a tar are refused whole", arguments: documents)
    func tar(hostile: Case) throws {
        try inFolder { place in
            var layout = try Self.good.get()
            hostile.change(&layout)
            try place.write(TarFixture(layout.files()).ended, to: "layout.tar")
            try expectRefused(place("layout.tar"), hostile.code, tells: hostile.tells, in: place)
        }
    }

    // MARK: Tars

    struct TarCase: Sendable, CustomStringConvertible {
        let name: String
        var tells = ""
        let make: @Sendable (Files) -> [UInt8]

        var description: String { "row 91, \(name)" }

        init(_ name: String, tells: String = "", _ make: @escaping @Sendable (Files) -> [UInt8]) {
            self.name = name
            self.tells = tells
            self.make = make
        }

        /// A good tar with one entry more.
        init(_ name: String, tells: String = "", adding: @escaping @Sendable (inout TarFixture) -> Void) {
            self.init(name, tells: tells) { files in
                var tar = TarFixture(files)
                adding(&tar)
                return tar.ended
            }
        }
    }

    static let tars: [TarCase] = [
        TarCase("a name that leads out", tells: "../evil", adding: { $0.add("../evil", [1]) }),
        TarCase("a name that leads out later", adding: { $0.add("blobs/../../evil", [1]) }),
        TarCase("a folder that leads out", adding: { $0.add("../evil/", flag: "5") }),
        TarCase("an absolute name", tells: "/etc/evil", adding: { $0.add("/etc/evil", [1]) }),
        TarCase("a prefix that leads out", adding: { $0.add("evil", [1], prefix: "..") }),
        TarCase("an empty name", adding: { $0.add("", [1]) }),
        TarCase("a name with a control character", adding: { $0.add("a\nb", [1]) }),
        TarCase("an extended name that leads out", tells: "../evil") { tar in
            tar.add(pax: [("path", "../evil")])
            tar.add("good", [1])
        },
        TarCase("a symbolic link", tells: "symbolic link", adding: { $0.add("x", flag: "2", link: "/etc/passwd") }),
        TarCase("a hard link", tells: "hard link", adding: { $0.add("x", flag: "1", link: "index.json") }),
        TarCase("a device of characters", tells: "device", adding: { $0.add("x", flag: "3") }),
        TarCase("a device of blocks", tells: "device", adding: { $0.add("x", flag: "4") }),
        TarCase("a pipe", tells: "pipe", adding: { $0.add("x", flag: "6") }),
        TarCase("a sparse file", tells: "sparse", adding: { $0.add("x", flag: "S") }),
        TarCase("a sparse file in an extended header") { tar in
            tar.add(pax: [("GNU.sparse.major", "1")])
            tar.add("x", [1])
        },
        TarCase("a long name of GNU's", tells: "pax", adding: { $0.add("x", [97, 0], flag: "L") }),
        TarCase("a header for all entries", adding: { $0.add("x", flag: "g") }),
        TarCase("a name that comes twice", tells: "twice", adding: { $0.add("index.json", Array("{}".utf8)) }),
        TarCase("a name that comes twice, in other words", adding: { $0.add("./index.json", Array("{}".utf8)) }),
        TarCase("a blob whose name is no digest", adding: { $0.add("blobs/sha256/evil", [1]) }),
        TarCase("a blob of another algorithm", adding: { $0.add("blobs/md5/00", [1]) }),
        TarCase("a folder with bytes", adding: { $0.add("x/", [1], flag: "5") }),
        TarCase("a wrong checksum", tells: "checksum", adding: { $0.add("x", [1], checksum: 1) }),
        TarCase("a size beyond the end", tells: "longer", adding: { $0.add("x", [1], size: 1 << 30) }),
        TarCase("the largest size", tells: "longer", adding: { $0.add("x", [1], size: (1 << 33) - 1) }),
        TarCase("an extended size that overflows") { tar in
            tar.add(pax: [("size", "999999999999999999")])
            tar.add("x", [1])
        },
        TarCase("an extended size of too many digits") { tar in
            tar.add(pax: [("size", "99999999999999999999999")])
            tar.add("x", [1])
        },
        TarCase("an extended size below zero") { tar in
            tar.add(pax: [("size", "-1")])
            tar.add("x", [1])
        },
        TarCase("a size twice") { tar in
            tar.add(pax: [("size", "1"), ("size", "2")])
            tar.add("x", [1])
        },
        TarCase("two extended headers") { tar in
            tar.add(pax: [("path", "a")])
            tar.add(pax: [("path", "b")])
            tar.add("x", [1])
        },
        TarCase("an extended header for nothing", adding: { $0.add(pax: [("path", "a")]) }),
        TarCase("an extended header that is none", adding: { $0.add("x", Array("9 path=".utf8), flag: "x") }),
        TarCase("an older format", adding: { $0.add("x", [1], magic: "") }),
        TarCase("no end") { TarFixture($0).bytes },
        TarCase("half an end") { TarFixture($0).bytes + [UInt8](repeating: 0, count: 512) },
        TarCase("something after the end", tells: "follows") { TarFixture($0).ended + [1] },
        TarCase("nothing") { _ in [] },
        TarCase("a compressed one", tells: "gzip") { [0x1F, 0x8B] + TarFixture($0).ended },
        TarCase("another file") { _ in [UInt8](repeating: 65, count: 2000) },
        TarCase("an end at its beginning") { _ in [UInt8](repeating: 0, count: 1024) },
    ]

    @Test("tars that are no good are refused whole", arguments: tars)
    func brokenTar(hostile: TarCase) throws {
        try inFolder { place in
            try place.write(hostile.make(try Self.good.get().files()), to: "layout.tar")
            try expectRefused(place("layout.tar"), "import-rejected", tells: hostile.tells, in: place)
        }
    }

    @Test("a tar that was cut anywhere is refused")
    func truncated() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let bytes = TarFixture(try Self.good.get().files()).ended
            var random = RepeatableRandom(seed: 91)
            for _ in 0..<20 {
                try place.write(Array(bytes.prefix(.random(in: 0..<bytes.count - 1, using: &random))), to: "cut.tar")
                let run = try runTool(store.words(["import", place("cut.tar")]))
                #expect(run.status == 65, "\(run.errors)")
            }
            #expect(try store.names().isEmpty)
            try store.expectSound()
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
            var layout = try Self.good.get()
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

    @Test("extended headers, folders and records of any length are read")
    func tarForms() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            var tar = TarFixture()
            tar.add("./", flag: "5")
            tar.add("blobs/", flag: "5", magic: "ustar  \u{0}")
            for (name, bytes) in try Self.good.get().files().sorted(by: { $0.key < $1.key }) {
                tar.add(pax: [("mtime", "1.5"), ("path", "./" + name), ("size", "\(bytes.count)")])
                tar.add("cut", bytes, size: 0)
            }
            try place.write(tar.ended + [UInt8](repeating: 0, count: 9728), to: "layout.tar")
            try store.run(["import", place("layout.tar")])
            #expect(try store.names().keys.sorted() == ["a:v1"])
            try store.expectSound()
        }
    }
}
