import Files
import JSON
import Support
import Testing

@Suite("What pack takes")
struct SourceTests {
    @Test("several folders go into one folder")
    func several() throws {
        try inFolder { place in
            let names = ["ia3", "lora-llama", "vera"]
            let run = try runTool(["pack"] + names.map(Fixtures.path) + ["-o", place("out"), "--json"])
            let document = try document(run)
            #expect(run.status == 0)
            #expect(try Folder.entries(of: place("out")).map(\.name) == names.map { $0 + ".tenon" })
            let adapters = try #require(document["adapters"]?.array)
            #expect(adapters.map { $0["output"]?.string } == names.map { place("out/\($0).tenon") })
            for key in ["logicalBytes", "storedBytes"] {
                #expect(document[key]?.int == adapters.reduce(0) { $0 + ($1[key]?.int ?? 0) })
            }
            let causes = try #require(document["byCause"]?.object?.members)
            let saved = try #require(document["logicalBytes"]?.int) - (document["storedBytes"]?.int ?? 0)
            #expect(causes.reduce(0) { $0 + ($1.value.int ?? 0) } == saved)
            try expectFailure(
                73, "output-exists", ["pack"] + names.map(Fixtures.path) + ["-o", place("out")])
        }
    }

    @Test("a pattern goes into a folder, in the order of names")
    func pattern() throws {
        try inFolder { place in
            for name in ["b-2", "b-1", "c-1", ".b-3"] { try copyFolder(Fixtures.path("ia3"), to: place(name)) }
            try place.write([1], to: "b-4")
            let run = try runTool(["pack", place("b-*"), "-o", place("out")])
            #expect(run.status == 0, "\(run.errors)")
            #expect(try Folder.entries(of: place("out")).map(\.name) == ["b-1.tenon", "b-2.tenon"])
            let relative = try runShell("tenon pack '?-1' -o again", in: place.path)
            #expect(relative.status == 0, "\(relative.errors)")
            #expect(try Folder.entries(of: place("again")).map(\.name) == ["b-1.tenon", "c-1.tenon"])
        }
    }

    @Test("two that would have one name are refused before anything is written")
    func clash() throws {
        try inFolder { place in
            try Folder.make(place("one"))
            try Folder.make(place("two"))
            for folder in ["one", "two"] { try copyFolder(Fixtures.path("ia3"), to: place(folder + "/x")) }
            try expectFailure(64, "usage", ["pack", place("one/x"), place("two/x"), "-o", place("out")])
            #expect(try !exists(place("out")))
        }
    }

    @Test("where one of several is no adapter nothing is written; where one cannot be written, those before it stay")
    func failing() throws {
        try inFolder { place in
            try Folder.make(place("bad"))
            let good = Fixtures.path("ia3")
            #expect(try runTool(["pack", place("bad"), good, "-o", place("out")]).status == 65)
            #expect(try !exists(place("out")))
            #expect(try runTool(["pack", good, place("bad"), "-o", place("out")]).status == 65)
            #expect(try !exists(place("out")))

            try Folder.make(place("out"))
            try place.write([1], to: "out/vera.tenon")
            #expect(try runTool(["pack", good, Fixtures.path("vera"), "-o", place("out")]).status == 73)
            #expect(try Folder.entries(of: place("out")).map(\.name) == ["ia3.tenon", "vera.tenon"])
            #expect(try runTool(["verify", place("out/ia3.tenon")]).status == 0)
        }
    }

    @Test("a snapshot of a Hugging Face cache, full of symbolic links", arguments: ["hub", "hub/snapshots/0123abc"])
    func cache(path: String) throws {
        try inFolder { place in
            for folder in ["hub", "hub/refs", "hub/snapshots", "hub/snapshots/0123abc"] {
                try Folder.make(place(folder))
            }
            try copyFolder(Fixtures.path("lora-readme"), to: place("hub/blobs"))
            try place.write(Array("0123abc\n".utf8), to: "hub/refs/main")
            let links = try runShell(
                "cd hub/snapshots/0123abc && for f in ../../blobs/*; do ln -s $f . || exit 1; done", in: place.path)
            #expect(links.status == 0)
            let run = try runTool(["pack", place(path), "-o", place("a.tenon")])
            #expect(run.status == 0, "\(run.errors)")
            #expect(try contents(of: place("a.tenon")) == contents(of: packed("lora-readme", in: place, as: "b.tenon")))
        }
    }
}
