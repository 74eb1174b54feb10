import Files
import Support
import Testing

/// Tars that are refused as layouts, and leave the store as it was: row 91 of the hostile cases.
@Suite("Hostile tars of layouts")
struct StoreHostileTarTests {
    typealias Files = LayoutFixture.Files

    struct Case: Sendable, CustomStringConvertible {
        let name: String
        var tells = ""
        let make: @Sendable (Files) -> [UInt8]

        var description: String { "row 91, \(name)" }

        init(_ name: String, tells: String = "", making make: @escaping @Sendable (Files) -> [UInt8]) {
            self.name = name
            self.tells = tells
            self.make = make
        }

        /// A good tar with one entry more.
        init(_ name: String, tells: String = "", adding: @escaping @Sendable (inout TarFixture) -> Void) {
            self.init(
                name, tells: tells,
                making: { files in
                    var tar = TarFixture(files)
                    adding(&tar)
                    return tar.ended
                })
        }
    }

    static let tars: [Case] = [
        Case("a name that leads out", tells: "../evil", adding: { $0.add("../evil", [1]) }),
        Case("a name that leads out later", adding: { $0.add("blobs/../../evil", [1]) }),
        Case("a folder that leads out", adding: { $0.add("../evil/", flag: "5") }),
        Case("an absolute name", tells: "/etc/evil", adding: { $0.add("/etc/evil", [1]) }),
        Case("a prefix that leads out", adding: { $0.add("evil", [1], prefix: "..") }),
        Case("an empty name", adding: { $0.add("", [1]) }),
        Case("a name with a control character", adding: { $0.add("a\nb", [1]) }),
        Case(
            "an extended name that leads out", tells: "../evil",
            adding: { tar in
                tar.add(pax: [("path", "../evil")])
                tar.add("good", [1])
            }),
        Case("a symbolic link", tells: "symbolic link", adding: { $0.add("x", flag: "2", link: "/etc/passwd") }),
        Case("a hard link", tells: "hard link", adding: { $0.add("x", flag: "1", link: "index.json") }),
        Case("a device of characters", tells: "device", adding: { $0.add("x", flag: "3") }),
        Case("a device of blocks", tells: "device", adding: { $0.add("x", flag: "4") }),
        Case("a pipe", tells: "pipe", adding: { $0.add("x", flag: "6") }),
        Case("a sparse file", tells: "sparse", adding: { $0.add("x", flag: "S") }),
        Case(
            "a sparse file in an extended header",
            adding: { tar in
                tar.add(pax: [("GNU.sparse.major", "1")])
                tar.add("x", [1])
            }),
        Case("a long name of GNU's", tells: "pax", adding: { $0.add("x", [97, 0], flag: "L") }),
        Case("a header for all entries", adding: { $0.add("x", flag: "g") }),
        Case("a name that comes twice", tells: "twice", adding: { $0.add("index.json", Array("{}".utf8)) }),
        Case("a name that comes twice, in other words", adding: { $0.add("./index.json", Array("{}".utf8)) }),
        Case("a blob whose name is no digest", adding: { $0.add("blobs/sha256/evil", [1]) }),
        Case("a blob of another algorithm", adding: { $0.add("blobs/md5/00", [1]) }),
        Case("a folder with bytes", adding: { $0.add("x/", [1], flag: "5") }),
        Case("a wrong checksum", tells: "checksum", adding: { $0.add("x", [1], checksum: 1) }),
        Case("a size beyond the end", tells: "longer", adding: { $0.add("x", [1], size: 1 << 30) }),
        Case("the largest size", tells: "longer", adding: { $0.add("x", [1], size: (1 << 33) - 1) }),
        Case(
            "an extended size that overflows",
            adding: { tar in
                tar.add(pax: [("size", "999999999999999999")])
                tar.add("x", [1])
            }),
        Case(
            "an extended size of too many digits",
            adding: { tar in
                tar.add(pax: [("size", "99999999999999999999999")])
                tar.add("x", [1])
            }),
        Case(
            "an extended size below zero",
            adding: { tar in
                tar.add(pax: [("size", "-1")])
                tar.add("x", [1])
            }),
        Case(
            "a size twice",
            adding: { tar in
                tar.add(pax: [("size", "1"), ("size", "2")])
                tar.add("x", [1])
            }),
        Case(
            "two extended headers",
            adding: { tar in
                tar.add(pax: [("path", "a")])
                tar.add(pax: [("path", "b")])
                tar.add("x", [1])
            }),
        Case("an extended header for nothing", adding: { $0.add(pax: [("path", "a")]) }),
        Case("an extended header that is none", adding: { $0.add("x", Array("9 path=".utf8), flag: "x") }),
        Case("an older format", adding: { $0.add("x", [1], magic: "") }),
        Case("no end", making: { TarFixture($0).bytes }),
        Case("half an end", making: { TarFixture($0).bytes + [UInt8](repeating: 0, count: 512) }),
        Case("something after the end", tells: "follows", making: { TarFixture($0).ended + [1] }),
        Case("nothing", making: { _ in [] }),
        Case("a compressed one", tells: "gzip", making: { [0x1F, 0x8B] + TarFixture($0).ended }),
        Case("another file", making: { _ in [UInt8](repeating: 65, count: 2000) }),
        Case("an end at its beginning", making: { _ in [UInt8](repeating: 0, count: 1024) }),
    ]

    @Test("tars that are no good are refused whole", arguments: tars)
    func brokenTar(hostile: Case) throws {
        try inFolder { place in
            try place.write(hostile.make(try LayoutFixture.sample.get().files()), to: "layout.tar")
            try expectImportRefused(place("layout.tar"), "import-rejected", tells: hostile.tells, in: place)
        }
    }

    @Test("a tar that was cut anywhere is refused")
    func truncated() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let bytes = TarFixture(try LayoutFixture.sample.get().files()).ended
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

    @Test("extended headers, folders and records of any length are read")
    func tarForms() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            var tar = TarFixture()
            tar.add("./", flag: "5")
            tar.add("blobs/", flag: "5", magic: "ustar  \u{0}")
            for (name, bytes) in try LayoutFixture.sample.get().files().sorted(by: { $0.key < $1.key }) {
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
