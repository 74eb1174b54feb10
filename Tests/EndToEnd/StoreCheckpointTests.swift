import Files
import JSON
import Support
import Testing

/// Whole checkpoints in a store: as what they differ in from the nearest, and back again.
@Suite("Checkpoints in a store")
struct StoreCheckpointTests {
    private struct Store {
        let place: TemporaryFolder

        init(_ place: TemporaryFolder) throws {
            self.place = place
            try succeed(["store", "init", "--store", place("store")])
        }

        @discardableResult
        func run(_ arguments: String...) throws -> JSONValue {
            try document(try succeed(["store"] + arguments + ["--store", place("store"), "--json"]))
        }

        func expectFailure(_ status: Int32, _ code: String, _ arguments: String...) throws {
            try EndToEnd.expectFailure(status, code, ["store"] + arguments + ["--store", place("store")])
        }

        /// Gets an object and compares it, file by file.
        func expectBack(_ name: String, as folder: String) throws {
            try run("get", name, "-o", place("back"))
            let files = try Folder.entries(of: folder).map(\.name)
            #expect(try Folder.entries(of: place("back")).map(\.name) == files)
            for file in files {
                let isSame = try contents(of: place("back/\(file)")) == contents(of: Paths.joined(folder, file))
                #expect(isSame, "\(name): \(file)")
            }
            try Folder.remove(place("back"))
        }
    }

    private func inStore(_ body: (Store, TemporaryFolder) throws -> Void) throws {
        try inFolder { place in try body(try Store(place), place) }
    }

    @Test("a fine-tune is kept as what it differs in, a model in other files as their headers")
    func kept() throws {
        try inStore { store, place in
            try SyntheticModel.make(at: place("base"), tensorBytes: 40_000)
            try SyntheticModel.make(at: place("tuned"), tensorBytes: 40_000, changing: 400)
            try SyntheticModel.make(at: place("sharded"), tensorBytes: 40_000, shards: 3)
            try SyntheticModel.make(at: place("tuned-sharded"), tensorBytes: 40_000, shards: 2, changing: 400)
            try copyFolder(place("tuned"), to: place("renamed"))
            let base = try store.run("add", place("base"), "--name", "base")
            #expect(base["base"]?.string == nil && base["kind"]?.string == "checkpoint")
            var sizes: [String: Int] = [:]
            for name in ["tuned", "sharded", "tuned-sharded", "renamed"] {
                let added = try store.run("add", place(name), "--name", name)
                sizes[name] = added["storedBytes"]?.int
                let onto = name == "tuned-sharded" ? try store.run("show", "tuned")["result"] : base["result"]
                #expect(added["base"] == onto, "\(name)")
                #expect(added["isNew"]?.bool == (name != "renamed"))
            }
            let whole = try #require(base["storedBytes"]?.int)
            #expect(try #require(sizes["tuned"]) < whole / 4)
            #expect(try #require(sizes["sharded"]) < 6000 && #require(sizes["tuned-sharded"]) < 6000)
            for name in ["base", "tuned", "sharded", "tuned-sharded", "renamed"] {
                try store.expectBack(name, as: place(name))
            }
            try store.run("fsck", "--level", "4")
        }
    }

    @Test("a model that is there is not told once more from another base")
    func otherBase() throws {
        try inStore { store, place in
            for (name, changed) in [("one", nil), ("other", 300), ("tuned", 400)] as [(String, Int?)] {
                try SyntheticModel.make(at: place(name), tensorBytes: 40_000, changing: changed)
                try store.run("add", place(name), "--name", name)
            }
            for base in ["one", "other"] {
                let again = try store.run("add", place("tuned"), "--name", "again", "--base", base)
                #expect(again["isNew"]?.bool == false)
                #expect(try again["digest"] == store.run("show", "tuned")["digest"])
            }
        }
    }

    @Test("nothing is told from a base that is damaged")
    func damagedBase() throws {
        try inStore { store, place in
            try SyntheticModel.make(at: place("base"), tensorBytes: 40_000)
            try SyntheticModel.make(at: place("tuned"), tensorBytes: 40_000, changing: 400)
            let base = try store.run("add", place("base"), "--name", "base")
            let digest = try #require(base["digest"]?.string)
            let object = place("store/objects/sha256/\(digest.prefix(2))/\(digest)")
            var bytes = try contents(of: object)
            bytes[bytes.count / 3] ^= 1
            try Folder.remove(object)
            try writeFile(bytes, to: object)
            try store.expectFailure(65, "object-damaged", "add", place("tuned"), "--name", "tuned", "--base", "base")
        }
    }

    @Test("what others are made on is not removed, and is kept as long as they are")
    func dependents() throws {
        try inStore { store, place in
            try SyntheticModel.make(at: place("base"), tensorBytes: 40_000)
            try SyntheticModel.make(at: place("tuned"), tensorBytes: 40_000, changing: 400)
            try store.run("add", place("base"), "--name", "base")
            try store.run("add", place("tuned"), "--name", "tuned")
            let refused = try runTool(["store", "remove", "base", "--store", place("store")])
            #expect(refused.status != 0 && refused.errors.contains("tuned"))
            try store.run("gc", "--grace", "0s")
            try store.expectBack("tuned", as: place("tuned"))
            try store.run("remove", "tuned")
            try store.run("remove", "base")
            try store.run("gc", "--grace", "0s")
            #expect(try store.run("list")["objects"]?.array?.isEmpty == true)
        }
    }

    @Test("a fine-tune of a model that is another's in other files comes back")
    func twins() throws {
        try inStore { store, place in
            for (name, text) in [("base", "old"), ("newer", "new"), ("tuned", "new")] {
                try SyntheticModel.make(
                    at: place(name), tensorBytes: 40_000, changing: name == "tuned" ? 400 : nil)
                try place.write(Array(text.utf8), to: name + "/tokenizer.json")
            }
            let base = try store.run("add", place("base"), "--name", "base")
            let newer = try store.run("add", place("newer"), "--name", "newer")
            #expect(newer["base"] == base["result"] && newer["result"] == base["result"])
            #expect(newer["isNew"]?.bool == true)
            try store.run("add", place("tuned"), "--name", "tuned", "--base", "newer")
            for name in ["base", "newer", "tuned"] { try store.expectBack(name, as: place(name)) }
            let again = try store.run("add", place("base"), "--name", "again")
            #expect(again["isNew"]?.bool == false && again["digest"] == base["digest"])
        }
    }

    @Test("no more deltas are put one on the other than come out again")
    func chain() throws {
        try inStore { store, place in
            var reached = 0
            for number in 0..<12 {
                try SyntheticModel.make(at: place("v\(number)"), tensorBytes: 4000, changing: 7 + number)
                let base = number == 0 ? [] : ["--base", "v\(number - 1)"]
                let run = try runTool(
                    ["store", "add", place("v\(number)"), "--name", "v\(number)", "--store", place("store")] + base)
                guard run.status == 0 else { break }
                reached = number
            }
            #expect((7...9).contains(reached))
            try store.expectBack("v\(reached)", as: place("v\(reached)"))
        }
    }

    @Test("what rests keeps what it is made on")
    func resting() throws {
        try inStore { store, place in
            try SyntheticModel.make(at: place("base"), tensorBytes: 40_000)
            try SyntheticModel.make(at: place("tuned"), tensorBytes: 40_000, changing: 400)
            try store.run("add", place("base"), "--name", "base")
            let tuned = try store.run("add", place("tuned"), "--name", "tuned")
            try store.run("remove", "tuned")
            try store.run("remove", "base")
            try store.run("gc")
            let digest = try #require(tuned["digest"]?.string)
            try store.run("tag", "sha256:\(digest)", "tuned")
            try store.expectBack("tuned", as: place("tuned"))
        }
    }

    @Test("a base may be named, and stands by itself where nothing is near")
    func bases() throws {
        try inStore { store, place in
            try store.run("add", Models.path("llama"), "--name", "llama")
            let bert = try store.run("add", Models.path("bert"), "--name", "bert")
            #expect(bert["base"]?.string == nil)
            let other = try store.run("add", Models.path("gpt2"), "--name", "gpt2", "--base", "bert")
            #expect(other["base"] == bert["result"])
            try store.expectBack("gpt2", as: Models.path("gpt2"))
            try store.expectFailure(66, "not-found", "add", Models.path("t5"), "--base", "nothing")
            try store.expectFailure(64, "usage", "add", Paths.joined(Fixtures.root, "peft/ia3"), "--base", "bert")
            try store.run("add", Models.path("llama") + "/model.safetensors", "--name", "file")
            try store.run("get", "file", "-o", place("file"))
            let isSame =
                try contents(of: place("file/model.safetensors"))
                == contents(of: Models.path("llama") + "/model.safetensors")
            #expect(isSame)
        }
    }

    @Test("an adapter comes out merged with its base")
    func merged() throws {
        try inStore { store, place in
            let adapter = Paths.joined(Fixtures.root, "peft/adalora"), base = Models.path("llama")
            try succeed(["pack", adapter, "--base", base, "-o", place("bound.tenon")])
            try store.run("add", place("bound.tenon"), "--name", "bound")
            try store.expectFailure(66, "not-found", "get", "bound", "--merged", "-o", place("out"))
            try store.run("add", base, "--name", "base")
            try store.run("add", adapter, "--name", "loose")
            try store.expectFailure(64, "usage", "get", "loose", "--merged", "-o", place("out"))
            try store.expectFailure(64, "usage", "get", "loose", "--base", "base", "-o", place("out"))
            try store.run("get", "bound", "--merged", "-o", place("out"))
            try store.run("get", "loose", "--merged", "--base", "base", "-o", place("other"))
            try succeed(["apply", place("bound.tenon"), "--base", base, "-o", place("applied")])
            let expected = try contents(of: place("applied/model.safetensors"))
            for folder in ["out", "other"] {
                let isSame = try contents(of: place("\(folder)/model.safetensors")) == expected
                #expect(isSame, "\(folder)")
            }
        }
    }
}
