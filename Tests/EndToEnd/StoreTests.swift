import Files
import JSON
import Support
import Testing

@Suite("The store")
struct StoreTests {
    @Test(
        "gives back the folder that was added, byte for byte",
        arguments: ["lora-llama", "loha", "prefix", "ia3"])
    func roundTrip(fixture: String) throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            try store.add(fixture, as: "a:v1")
            try store.run(["get", "a:v1", "-o", place("out"), "--format", "peft"])
            try expectSameFiles(Fixtures.path(fixture), place("out"))
            try store.expectSound(level: "bases")
        }
    }

    @Test("keeps a container as it is, and gives it back")
    func container() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let container = try packed("lora-llama", in: place)
            let bytes = try contents(of: container)
            let added = try store.document(["add", container, "--name", "a"])
            let digest = try #require(added["digest"]?.string)
            #expect(try contents(of: store.object(digest)) == bytes)
            #expect(
                try JSONValue.parse(succeed(["inspect", container, "--json"]).standardOutput)["indexDigest"]?.string
                    == digest)
            for reference in ["a", "a:latest", digest, String(digest.prefix(8)), "sha256:" + digest.prefix(5)] {
                try store.run(["get", reference, "-o", place("out.tenon"), "--force"])
                #expect(try contents(of: place("out.tenon")) == bytes)
            }
            let piped = try succeed(store.words(["get", "a", "-o", "-"]))
            #expect(piped.standardOutput == bytes)
            let read = try runTool(store.words(["add", "-", "--name", "b", "--json"]), stdin: bytes)
            #expect(try JSONValue.parse(read.standardOutput)["isNew"]?.bool == false)
            #expect(try store.names() == ["a:latest": digest, "b:latest": digest])
        }
    }

    @Test("is found by name, base, method, rank, digest and metadata")
    func search() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let model = Models.path("llama")
            try succeed(["pack", Fixtures.path("lora-llama"), "--base", model, "-o", place("bound.tenon")])
            let lora = try #require(
                try store.document([
                    "add", place("bound.tenon"), "--name", "team/support-bot:v3", "--metadata", "owner=me",
                ])[
                    "digest"]?.string)
            let loha = try store.add("loha", as: "team/other:v1")
            try store.run(["tag", "team/other:v1", "plain"])
            let all = ["plain:latest": loha, "team/other:v1": loha, "team/support-bot:v3": lora]
            #expect(try store.names() == all)
            func found(_ words: [String]) throws -> Set<String> {
                let objects = try store.document(["list"] + words)["objects"]?.array ?? []
                return Set(objects.compactMap { $0["name"]?.string })
            }
            let root = try #require(
                try JSONValue.parse(succeed(["fingerprint", model, "--json"]).standardOutput)["root"]?.string)
            let shown = try store.document(["show", "team/support-bot:v3"])
            let rank = try #require(shown["rank"]?.int)
            #expect(shown["base"]?.string == root)
            #expect(shown["metadata"]?["owner"]?.string == "me")
            #expect(try found(["team/*"]) == ["team/other", "team/support-bot"])
            #expect(try found(["team/support-???"]) == ["team/support-bot"])
            #expect(try found(["*:v1"]) == ["team/other"])
            #expect(try found(["plain"]) == ["plain"])
            #expect(try found(["none"]) == [])
            #expect(try found(["--method", "lora"]) == ["team/support-bot"])
            #expect(try found(["--method", "loha"]) == ["plain", "team/other"])
            #expect(try found(["--method", "loha", "team/*"]) == ["team/other"])
            #expect(try found(["--rank", "\(rank)", "--method", "lora"]) == ["team/support-bot"])
            #expect(try found(["--base", String(root.prefix(10))]) == ["team/support-bot"])
            #expect(try found(["--digest", String(loha.prefix(6))]) == ["plain", "team/other"])
            #expect(try found(["--metadata", "owner=me"]) == ["team/support-bot"])
            #expect(try found(["--metadata", "owner=you"]) == [])
            #expect(try found(["--kind", "checkpoint"]) == [])
            #expect(try found(["--limit", "1"]) == ["plain"])
            #expect(try store.document(["list", "--limit", "1"])["isCut"]?.bool == true)
        }
    }

    @Test("names are moved only when asked, and what has none is collected once it has rested")
    func names() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let lora = try store.add("lora-llama", as: "a:v1")
            let loha = try store.add("loha", as: "b:v1")
            try expectFailure(73, "output-exists", store.words(["add", Fixtures.path("loha"), "--name", "a:v1"]))
            try expectFailure(73, "output-exists", store.words(["tag", "b:v1", "a:v1"]))
            #expect(try store.names() == ["a:v1": lora, "b:v1": loha])
            try store.run(["tag", "b:v1", "a:v1", "--force"])
            #expect(try store.names() == ["a:v1": loha, "b:v1": loha])

            #expect(try store.document(["gc"])["resting"]?.int == 1)
            #expect(try exists(store.object(lora)))
            let planned = try store.document(["gc", "--grace", "0", "--dry-run"])
            #expect(planned["removed"]?.array?.compactMap { $0["digest"]?.string } == [lora])
            #expect(try exists(store.object(lora)))
            #expect(try store.document(["gc", "--grace", "0"])["removed"] == planned["removed"])
            #expect(try !exists(store.object(lora)))
            #expect(try store.document(["gc", "--grace", "0"])["removed"]?.array?.isEmpty == true)
            try store.expectSound()

            try store.run(["remove", "a:v1"])
            try expectFailure(66, "not-found", store.words(["remove", "a:v1"]))
            try store.run(["remove", "b:v1"])
            #expect(try store.names() == [:])
            try store.run(["get", loha, "-o", place("x.tenon")])
            try store.run(["gc", "--grace", "0"])
            try expectFailure(66, "not-found", store.words(["get", loha, "-o", place("y.tenon")]))
        }
    }

    @Test("a delta of checkpoints keeps the one that it is made on")
    func dependents() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            try copyFolder(Models.path("llama"), to: place("m0"))
            for number in 1...2 {
                try succeed([
                    "apply", Fixtures.path("lora-llama"), "--base", place("m\(number - 1)"), "--scale", "0.\(number)",
                    "-o",
                    place("m\(number)"),
                ])
                try succeed([
                    "extract", "--base", place("m\(number - 1)"), "--tuned", place("m\(number)"), "-o",
                    place("d\(number).tenon"),
                ])
                try store.run(["add", place("d\(number).tenon"), "--name", "d\(number)"])
            }
            let shown = try store.document(["show", "d1"])
            #expect(shown["kind"]?.string == "checkpoint" && shown["dependents"]?.array?.count == 1)
            try expectFailure(65, "has-dependents", store.words(["remove", "d1"]))
            let refused = try runTool(store.words(["remove", "d1"]))
            #expect(refused.errors.contains("d2:latest"))
            #expect(try store.names().count == 2)
            // The base of the first is nowhere, which is told and no damage.
            #expect(try store.codes(["fsck", "--level", "bases"]) == ["base-missing"])
            try store.run(["remove", "d2"])
            try store.run(["remove", "d1"])
            #expect(try store.document(["gc", "--grace", "0"])["removed"]?.array?.count == 2)
        }
    }

    @Test("what cannot be is refused, and leaves nothing behind")
    func badInput() throws {
        try inFolder { place in
            try expectFailure(66, "not-a-store", ["store", "list", "--store", place("nothing")])
            let store = try StoreFixture(in: place)
            try expectFailure(73, "output-exists", ["store", "init", "--store", store.path])
            try expectFailure(73, "nested-store", ["store", "init", "--store", store("objects/mine/deep")])
            try place.write([1], to: "file")
            try Folder.make(place("full"))
            try place.write([1], to: "full/file")
            try expectFailure(73, "output-exists", ["store", "init", "--store", place("full")])
            for name in ["a b", "a:", "../a", "a//b", "sha256"] {
                try expectFailure(65, "bad-name", store.words(["add", Fixtures.path("loha"), "--name", name]))
            }
            try expectFailure(64, "usage", store.words(["add", Fixtures.path("loha"), "--metadata", "none"]))
            try expectFailure(66, "not-found", store.words(["add", place("nothing"), "--name", "a"]))
            try expectFailure(65, "truncated", store.words(["add", place("file"), "--name", "a"]))
            try expectFailure(66, "not-found", store.words(["get", "a", "-o", place("out")]))
            try expectFailure(66, "not-found", store.words(["tag", "a", "b"]))
            #expect(try store.names() == [:])
            #expect(try Folder.entries(of: store("tmp")).isEmpty)
            #expect(try Folder.entries(of: store("objects/sha256")).isEmpty)
            #expect(try !exists(store("objects/mine")))

            try writeFile(Array("tenon-store 2\n".utf8), to: store("format"))
            try expectFailure(65, "store-too-new", store.words(["list"]))
            try writeFile(Array("something else\n".utf8), to: store("format"))
            try expectFailure(66, "not-a-store", store.words(["list"]))
        }
    }

    @Test("a damaged container is not taken")
    func damagedInput() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            var bytes = try contents(of: try packed("lora-llama", in: place))
            bytes[200] ^= 1
            try place.write(bytes, to: "bad.tenon")
            let run = try runTool(store.words(["add", place("bad.tenon"), "--name", "a"]))
            #expect(run.status == 65)
            #expect(try store.names() == [:])
            #expect(try Folder.entries(of: store("tmp")).isEmpty)
        }
    }

    @Test("the variable TENON_STORE and the user's own folder say where it is")
    func place() throws {
        try inFolder { place in
            let data = ["XDG_DATA_HOME": place("data"), "TENON_STORE": nil] as [String: String?]
            try succeed(["store", "init"], environment: data)
            #expect(try exists(place("data/tenon/store/format")))
            try succeed(["store", "add", Fixtures.path("loha"), "--name", "a"], environment: data)
            #expect(try succeed(["store", "list"], environment: data).output.hasPrefix("a:latest"))
            let named = ["TENON_STORE": place("named")]
            try succeed(["store", "init"], environment: named)
            #expect(try succeed(["store", "list"], environment: named).output == "nothing found\n")
        }
    }

    @Test("a dry run says what would be added, and adds nothing")
    func dryRun() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            let planned = try store.document(["add", Fixtures.path("loha"), "--name", "a", "--dry-run"])
            #expect(planned["isNew"]?.bool == true)
            #expect(try store.names() == [:])
            #expect(try Folder.entries(of: store("tmp")).isEmpty)
            #expect(try store.add("loha", as: "a") == planned["digest"]?.string)
        }
    }
}
