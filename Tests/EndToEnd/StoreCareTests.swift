import Files
import JSON
import Support
import Testing

/// What a store says of its own trouble, and what it does about it.
@Suite("Care for a store")
struct StoreCareTests {
    @Test(
        "a file `format` that is lost is found, refused and written anew",
        arguments: ["missing", "damaged", "empty", "missing, with the catalog", "missing, with the reflog"])
    func format(how: String) throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let digest = try store.add("ia3", as: "a")
            switch how {
            case "damaged": try writeFile(Array("tenon-stXre 1\n".utf8), to: store("format"))
            case "empty": try writeFile([], to: store("format"))
            default: try Folder.remove(store("format"))
            }
            if how.hasSuffix("catalog") { try Folder.remove(store("catalog.db")) }
            if how.hasSuffix("reflog") { try Folder.remove(store("reflog")) }
            for words in [["list"], ["gc"], ["add", Fixtures.path("loha"), "--name", "b"], ["scrub"]] {
                try expectFailure(66, "not-a-store", store.words(words))
                #expect(try runTool(store.words(words)).errors.contains("tenon store repair"))
            }
            try expectFailure(73, "output-exists", ["store", "init", "--store", store.path])
            try expectFailure(73, "nested-store", ["store", "init", "--store", store("inside")])
            let code = how.hasPrefix("missing") ? "format-missing" : "format-damaged"
            #expect(try store.damage().contains(code))
            #expect(try store.codes(["repair"]).contains("format-rewritten"))
            try store.expectSound()
            #expect(try store.names() == ["a:latest": digest])
            #expect(try exists(store("quarantine/format")) == (code == "format-damaged"))
        }
    }

    @Test("a folder that is no store is not made one by a repair")
    func noStore() throws {
        try inFolder { place in
            try Folder.make(place("folder"))
            for verb in ["fsck", "repair", "list"] {
                try expectFailure(66, "not-a-store", ["store", verb, "--store", place("folder")])
            }
            try place.write(Array("tenon-stXre 1\n".utf8), to: "folder/format")
            try expectFailure(66, "not-a-store", ["store", "repair", "--store", place("folder")])
            #expect(try place.names() == ["folder"])
        }
    }

    @Test("a check sends to the repair what that can mend, and to the user what it cannot")
    func hints() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let digest = try store.add("ia3", as: "a")
            var bytes = try contents(of: store.object(digest))
            bytes[500] ^= 1
            try writeFile(bytes, to: store.object(digest))
            #expect(try runTool(store.words(["fsck"])).errors.contains("hint: tenon store repair\n"))
            for verb in ["repair", "fsck", "repair"] {
                let run = try runTool(store.words([verb]))
                #expect(run.status == 1 && run.errors.contains("hint: add it again"), "\(run.errors)")
                #expect(run.errors.contains("--drop-names"))
            }
            let run = try runTool(store.words(["get", "a", "-o", place("out")]))
            #expect(run.errors.contains("missing") && run.errors.contains("hint: add it again"), "\(run.errors)")
            #expect(try runTool(store.words(["list"])).output.contains("missing: "))
            try store.run(["repair", "--drop-names"])
            try store.expectSound()
        }
    }

    @Test("an add that heals says so", arguments: [true, false])
    func restored(isMissing: Bool) throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let words = ["add", Fixtures.path("ia3"), "--name", "a"]
            let digest = try store.add("ia3", as: "a")
            func harm() throws {
                var bytes = try contents(of: store.object(digest))
                bytes[500] ^= 1
                if isMissing { try Folder.remove(store.object(digest)) }
                if !isMissing { try writeFile(bytes, to: store.object(digest)) }
            }
            #expect(try runTool(store.words(words)).output.hasPrefix("has already "))
            try harm()
            #expect(try runTool(store.words(words)).output.hasPrefix("restored "))
            try harm()
            let document = try store.document(words)
            #expect(document["isRestored"]?.bool == true && document["isNew"]?.bool == false)
            #expect(try store.document(words)["isRestored"]?.bool == false)
            try store.expectSound()
        }
    }

    @Test("what has no name is told of, and listed where asked for")
    func nameless() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let words = ["add", Fixtures.path("ia3")]
            let run = try succeed(store.words(words))
            #expect(run.errors.contains("no name") && run.errors.contains("gc"), "\(run.errors)")
            #expect(try succeed(store.words(words + ["--quiet"])).errors == "")
            let digest = try store.document(["list", "--all"])["objects"]?.array?.first?["digest"]?.string
            #expect(try store.names().isEmpty && digest != nil)
            #expect(try store.run(["list", "--all"]).output.hasPrefix("- "))
            #expect(try store.document(["list", "--all", "--method", "lora"])["objects"]?.array?.isEmpty == true)
            #expect(try store.document(["list", "--all"])["objects"]?.array?.first?["name"] == nil)
            try store.add("loha", as: "b")
            let cut = try store.document(["list", "--all", "--limit", "1"])
            #expect(cut["isCut"]?.bool == true && cut["objects"]?.array?.count == 1)
            #expect(try runTool(store.words(["list", "--all", "b"])).status == 64)
            #expect(try succeed(store.words(words + ["--name", "a"])).errors == "")
            #expect(try succeed(store.words(words)).errors == "")
        }
    }

    @Test("a base may be asked for by its name")
    func base() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let model = Models.path("llama")
            try succeed(["pack", Fixtures.path("lora-llama"), "--base", model, "-o", place("bound.tenon")])
            try store.run(["add", model, "--name", "base"])
            try store.run(["add", place("bound.tenon"), "--name", "bound"])
            try store.add("loha", as: "loose")
            let root = try #require(try store.document(["show", "base"])["result"]?.string)
            for text in ["base", "base:latest", root, String(root.prefix(8)), "sha256:" + root.prefix(12)] {
                let found = try store.document(["list", "--base", text])["objects"]?.array ?? []
                #expect(found.compactMap { $0["name"]?.string } == ["bound"], "\(text)")
            }
            try expectFailure(64, "usage", store.words(["list", "--base", "loose"]))
            try expectFailure(66, "not-found", store.words(["list", "--base", "nobody"]))
        }
    }

    @Test("a level that there is not brings up those that there are")
    func levels() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let run = try runTool(store.words(["fsck", "--level", "deep"]))
            #expect(run.status == 64)
            for word in ["catalog", "structure", "quick", "full", "bases"] { #expect(run.errors.contains(word)) }
        }
    }

    @Test("a store may be made where the argument says")
    func folder() throws {
        try inFolder { place in
            try succeed(["store", "init", place("one")])
            try succeed(["store", "fsck", "--store", place("one")])
            #expect(try runTool(["store", "init", place("two"), "--store", place("three")]).status == 64)
            #expect(try place.names() == ["one"])
        }
    }

    @Test("nothing is written into the store itself")
    func outputs() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            try store.add("ia3", as: "a")
            for output in [
                store("objects/sha256/x.tenon"), store("x.tenon"), store("new/x"), store.path, store.path + "/",
                store("catalog.db"), place("store/../store/tmp/x"),
            ] {
                for words in [["get", "a", "-o", output], ["get", "a", "-o", output, "--force", "--format", "peft"]] {
                    try expectFailure(73, "cannot-create", store.words(words))
                }
            }
            try store.expectSound()
            try store.run(["get", "a", "-o", place("store2.tenon")])
        }
    }

    @Test("more metadata than the reflog can hold is refused before anything is written; what fits comes back")
    func metadata() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            // A byte that takes six in JSON.
            let value = String(repeating: "\u{1}", count: 65_000)
            func words(_ keys: Range<Int>) -> [String] {
                ["add", Fixtures.path("ia3"), "--name", "a"] + keys.flatMap { ["--metadata", "k\($0)=\(value)"] }
            }
            let log = try contents(of: store("reflog"))
            let run = try runTool(store.words(words(0..<12)))
            #expect(run.status == 64 && run.errors.contains("4194304"), "\(run.errors.prefix(300))")
            #expect(try contents(of: store("reflog")) == log && Folder.entries(of: store("objects/sha256")).isEmpty)
            // Together they are more than a line.
            for keys in [0..<6, 6..<12] { try store.run(words(keys)) }
            try store.expectSound()
            for lost in ["reflog", "catalog.db"] {
                try Folder.remove(store(lost))
                try store.run(["repair"])
                try store.expectSound()
                let shown = try store.run(["show", "a", "--json"]).standardOutput
                let metadata = try JSONValue.parse(shown, limit: 16 << 20)["metadata"]
                #expect((0..<12).allSatisfy { metadata?["k\($0)"]?.string == value }, "\(lost)")
            }
        }
    }

    @Test("a reflog that was lost and begun anew is found to lack what went in", arguments: [true, false])
    func lostReflog(hasMetadata: Bool) throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let container = try packed("ia3", in: place)
            let said = hasMetadata ? ["--metadata", "k=v"] : []
            try store.run(["add", hasMetadata ? container : Fixtures.path("ia3"), "--name", "a"] + said)
            // Now the catalog's outbox has the line of the put no more.
            try store.run(["tag", "a", "a"])
            let shown = try store.document(["show", "a"])
            try Folder.remove(store("reflog"))
            try store.run(["tag", "a", "a"])
            #expect(try store.damage() == ["reflog-differs"])
            #expect(try store.codes(["repair"]) == ["reflog-rewritten"])
            try Folder.remove(store("catalog.db"))
            try store.run(["repair"])
            try store.expectSound()
            let now = try store.document(["show", "a"])
            for key in ["metadata", "origin", "inputBytes"] { #expect(now[key] == shown[key], "\(key)") }
        }
    }

    @Test("a last line of the reflog that was torn is written again")
    func tornLine() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            try store.add("ia3", as: "a")
            let before = try contents(of: store("reflog")).count
            try store.add("loha", as: "b")
            let names = try store.names()
            var log = try contents(of: store("reflog"))
            for index in before..<before + 40 { log[index] = 0 }
            try writeFile(log, to: store("reflog"))
            #expect(try store.codes(["fsck"], damage: true) == [])
            #expect(try store.codes(["fsck"], damage: false) == ["reflog-behind"])
            try store.run(["tag", "a", "c"])
            #expect(try store.codes(["fsck"]) == [])
            try Folder.remove(store("catalog.db"))
            try store.run(["repair"])
            #expect(try store.names().filter { $0.key != "c:latest" } == names)
            // What the catalog has forgotten cannot be written again.
            log = try contents(of: store("reflog"))
            log[30] ^= 1
            try writeFile(log, to: store("reflog"))
            #expect(try store.damage() == ["reflog-damaged"])
        }
    }
}
