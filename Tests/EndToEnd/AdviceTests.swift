import Files
import JSON
import Support
import Testing

/// What `report` prints to mend something, run word for word: it does what it says, and leaves no other copy.
@Suite("commands of a report")
struct AdviceTests {
    /// One piece of advice of a report on `arguments`, seen from `place`.
    private func advice(
        _ sort: String, _ arguments: String, in place: TemporaryFolder,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (command: String, saves: Int, stored: Int) {
        let report = try report(arguments, in: place)
        let all = report["advice"]?.array ?? []
        let one = try #require(
            all.first { $0["sort"]?.string == sort }, "\(all.map { $0["sort"]?.string ?? "" })",
            sourceLocation: sourceLocation)
        return (one["command"]?.string ?? "", one["savesBytes"]?.int ?? 0, report["storedBytes"]?.int ?? 0)
    }

    private func report(_ arguments: String, in place: TemporaryFolder) throws -> JSONValue {
        try document(runShell("tenon report \(arguments) --json", in: place.path))
    }

    /// Follows the advice and expects that it is not given again, that what was promised is saved, and nothing left about.
    private func follow(
        _ sort: String, _ arguments: String, in place: TemporaryFolder, leaving names: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let advice = try advice(sort, arguments, in: place, sourceLocation: sourceLocation)
        let run = try runShell(advice.command, in: place.path)
        #expect(run.status == 0, "\(advice.command)\n\(run.errors)", sourceLocation: sourceLocation)
        let after = try report(arguments, in: place)
        #expect(
            after["advice"]?.array?.contains { $0["sort"]?.string == sort } == false, "\(advice.command)",
            sourceLocation: sourceLocation)
        let saved = advice.stored - (after["storedBytes"]?.int ?? 0)
        #expect(
            advice.saves == 0 || saved * 10 >= advice.saves * 9, "\(advice.command): \(saved) of \(advice.saves)",
            sourceLocation: sourceLocation)
        let entries = try Folder.entries(of: place.path).map(\.name)
        #expect(entries == names, "\(advice.command)", sourceLocation: sourceLocation)
    }

    @Test("an adapter that was never trained goes, under all of its names, and nothing beside it")
    func untrained() throws {
        try inFolder { place in
            _ = try packed("lora-untrained", in: place)
            #expect(try runShell("ln a.tenon 'b c.tenon'", in: place.path).status == 0)
            try follow("untrained", ".", in: place, leaving: [])
        }
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-untrained"), to: place("in"))
            #expect(try runShell("ln -s in other", in: place.path).status == 0)
            try follow("untrained", ".", in: place, leaving: [])
        }
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-untrained"), to: place("in"))
            try copyFolder(Fixtures.path("ia3"), to: place("in/checkpoint-7"))
            try follow("untrained", "in", in: place, leaving: ["in"])
            #expect(try exists(place("in/checkpoint-7/adapter_model.safetensors")))
            #expect(try !exists(place("in/adapter_model.safetensors")))
        }
    }

    @Test("what is stored twice is stored once, in containers and in folders")
    func duplicates() throws {
        try inFolder { place in
            _ = try packed("lora-llama", in: place)
            let script = "cp a.tenon b.tenon && ln b.tenon c.tenon"
            #expect(try runShell(script, in: place.path).status == 0)
            try follow("duplicate", ".", in: place, leaving: ["a.tenon", "b.tenon", "c.tenon"])
            #expect(try report(".", in: place)["items"]?.int == 1)
        }
        try inFolder { place in
            _ = try packed("lora-llama", in: place)
            try copyFolder(Fixtures.path("lora-llama"), to: place("in"))
            try writeFile(Array("keep".utf8), to: place("in/optimizer.pt"))
            let weights = try contents(of: place("in/adapter_model.safetensors"))
            let advice = try advice("duplicate", ".", in: place)
            #expect(try runShell(advice.command, in: place.path).status == 0)
            #expect(try exists(place("in/optimizer.pt")) && !exists(place("in/adapter_model.safetensors")))
            #expect(try runShell("tenon unpack a.tenon -o again", in: place.path).status == 0)
            #expect(try contents(of: place("again/adapter_model.safetensors")) == weights)
        }
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("one"))
            try copyFolder(Fixtures.path("lora-llama"), to: place("two"))
            let advice = try advice("duplicate", ".", in: place)
            #expect(try runShell(advice.command, in: place.path).status == 0)
            let after = try report(".", in: place)
            let size = try contents(of: place("one/adapter_model.safetensors")).count
            #expect(after["storedBytes"]?.int == advice.stored - size)
            #expect(after["advice"]?.array?.contains { $0["sort"]?.string == "duplicate" } == false)
        }
    }

    @Test("what is bound is kept, and what is bound to different bases is not the same")
    func bindings() throws {
        try inFolder { place in
            let base = Models.path("llama")
            try Models.copy("llama", to: place("other")) { name, tensor in
                name.hasSuffix("q_proj.weight") ? tensor.flipped(byte: 0) : tensor
            }
            for (name, option) in [("a", []), ("b", ["--base", base]), ("c", ["--base", place("other")])] {
                try succeed(["pack", Fixtures.path("lora-llama"), "-o", place(name + ".tenon")] + option)
            }
            let report = try report("a.tenon b.tenon c.tenon", in: place)
            let twice = report["advice"]?.array?.filter { $0["sort"]?.string == "duplicate" } ?? []
            #expect(twice.compactMap { $0["name"]?.string } == ["a.tenon"])
            for item in report["adapters"]?.array ?? [] {
                let path = item["path"]?.string ?? ""
                let summary = try document(runShell("tenon inspect \(path) --json", in: place.path))
                #expect(item["contentDigest"]?.string == summary["contentDigest"]?.string, "\(path)")
            }
            try follow("duplicate", "a.tenon b.tenon", in: place, leaving: ["a.tenon", "b.tenon", "c.tenon", "other"])
            #expect(try runShell("tenon verify a.tenon --base '\(base)'", in: place.path).status == 0)
        }
    }

    @Test("a folder is packed, and its container takes its place")
    func unpacked() throws {
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("it's in"))
            try follow("unpacked", ".", in: place, leaving: ["it's in.tenon"])
        }
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("in"))
            _ = try packed("ia3", in: place, as: "in.tenon")
            let advice = try advice("unpacked", "in", in: place)
            #expect(try runShell(advice.command, in: place.path).status == 0, "\(advice.command)")
            #expect(try Folder.entries(of: place.path).map(\.name) == ["in-2.tenon", "in.tenon"])
            try copyFolder(Fixtures.path("lora-llama"), to: place("here"))
            let here = try document(runShell("cd here && tenon report . --json", in: place.path))
            let command = here["advice"]?.array?.first?["command"]?.string ?? "false"
            #expect(try runShell("cd here && \(command)", in: place.path).status == 0, "\(command)")
            #expect(try exists(place("here.tenon")) && !exists(place("here")))
        }
    }

    @Test("a container is bound in its place, under all of its names")
    func unbound() throws {
        try inFolder { place in
            _ = try packed("lora-llama", in: place)
            #expect(try runShell("ln a.tenon b.tenon", in: place.path).status == 0)
            let base = Models.path("llama")
            // The first of the models is not the one that it fits.
            try follow(
                "unbound", ". --base \(Models.path("bert")) --base \(base)", in: place, leaving: ["a.tenon", "b.tenon"])
            for name in ["a", "b"] {
                #expect(try runShell("tenon verify \(name).tenon --base \(base)", in: place.path).status == 0)
            }
        }
    }

    @Test("what is quantized is packed from what it was made from, not rounded again")
    func quantized() throws {
        try inFolder { place in
            try succeed(["pack", Fixtures.path("lora-llama"), "-o", place("a.tenon"), "--quantize", "int8"])
            let advice = try advice("unbound", "a.tenon --base \(Models.path("llama"))", in: place)
            #expect(advice.command.contains("pack FOLDER") && advice.command.contains("--quantize int8"))
            let command =
                "FOLDER='\(Fixtures.path("lora-llama"))'; " + advice.command.replacing("FOLDER", with: "\"$FOLDER\"")
            #expect(try runShell(command, in: place.path).status == 0)
            #expect(try runShell("tenon verify a.tenon --base \(Models.path("llama"))", in: place.path).status == 0)
        }
    }

    @Test("numbers of bf16 are kept as such, in a container and of a folder")
    func wide() throws {
        try inFolder { place in
            try halved("lora-llama", to: place("in"))
            let source = place("in")
            try succeed(["pack", source, "-o", place("a.tenon")])
            let sorts = try report("in", in: place)["advice"]?.array?.compactMap { $0["sort"]?.string } ?? []
            #expect(sorts.contains("wide-dtype"), "\(sorts)")
            #expect(try runShell("rm a.tenon", in: place.path).status == 0)
            try follow("wide-dtype", ".", in: place, leaving: ["in.tenon"])
        }
    }

    /// A copy of a fixture's folder whose numbers are all of bf16.
    private func halved(_ name: String, to folder: String) throws {
        try copyFolder(Fixtures.path(name), to: folder)
        let path = Paths.joined(folder, "adapter_model.safetensors")
        let tensors = try Checkpoint(path).tensors.map { name, tensor in
            var bytes = tensor.bytes
            for offset in stride(from: 0, to: bytes.count, by: 4) { (bytes[offset], bytes[offset + 1]) = (0, 0) }
            return (name: name, tensor: Checkpoint.Tensor(dtype: tensor.dtype, shape: tensor.shape, bytes: bytes))
        }
        try Models.write(tensors, to: path)
    }

    @Test("a whole copy becomes a delta that gives it back")
    func copies() throws {
        try inFolder { place in
            try Models.copy("llama", to: place("tuned")) { name, tensor in
                name.hasSuffix("q_proj.weight") ? tensor.flipped(byte: 0) : tensor
            }
            let weights = try contents(of: place("tuned/model.safetensors"))
            let base = Models.path("llama")
            try follow("full-copy", ". --base \(base)", in: place, leaving: ["tuned.tenon"])
            #expect(try runShell("tenon apply tuned.tenon --base \(base) -o again", in: place.path).status == 0)
            #expect(try contents(of: place("again/model.safetensors")) == weights)
        }
    }

    @Test("what is trained besides is kept when it is packed")
    func whole() throws {
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-modules-to-save"), to: place("in"))
            let advice = try advice("whole-tensors", ".", in: place)
            #expect(try runShell(advice.command, in: place.path).status == 0)
            #expect(try Folder.entries(of: place.path).map(\.name) == ["in.tenon"])
            let again = try self.advice("whole-tensors", ".", in: place)
            #expect(try runShell(again.command, in: place.path).status == 0, "\(again.command)")
            #expect(try runShell("tenon unpack in.tenon -o again", in: place.path).status == 0)
            let weights = "adapter_model.safetensors"
            #expect(
                try contents(of: place("again/\(weights)"))
                    == contents(of: Paths.joined(Fixtures.path("lora-modules-to-save"), weights)))
        }
    }

    @Test("in a store, under all names of an object")
    func store() throws {
        try inFolder { place in
            let store = try StoreFixture(in: place)
            try store.add("lora-untrained", as: "zero:v1")
            try store.run(["tag", "zero:v1", "zero:latest"])
            let removal = try advice("untrained", "--store store", in: place)
            #expect(try runShell(removal.command, in: place.path).status == 0 && store.names().isEmpty)
            let collection = try advice("untrained", "--store store", in: place)
            #expect(
                try runShell(collection.command + " --grace 0s", in: place.path).status == 0, "\(collection.command)")
            #expect(try report("--store store", in: place)["items"]?.int == 0)
            try store.add("lora-llama", as: "bot:v1")
            try store.run(["tag", "bot:v1", "bot:latest", "other:v1"])
            let base = Models.path("llama")
            let advice = try advice("unbound", "--store store --base \(base)", in: place)
            #expect(try runShell(advice.command, in: place.path).status == 0, "\(advice.command)")
            #expect(try Folder.entries(of: place.path).map(\.name) == ["store"])
            let names = try store.names()
            #expect(names.keys.sorted() == ["bot:latest", "bot:v1", "other:v1"] && Set(names.values).count == 1)
            let shown = try store.document(["show", "bot:v1"])
            #expect(shown["base"]?.string != nil)
            let items = try report("--store store", in: place)["adapters"]?.array ?? []
            let named = items.first { $0["name"]?.string?.hasPrefix("bot") == true || $0["name"]?.string == "other:v1" }
            #expect(named?["contentDigest"]?.string == shown["contentDigest"]?.string)
            // The same adapter, unbound, under another name.
            try store.add("lora-llama", as: "copy:v1")
            try store.run(["tag", "copy:v1", "copy:v2"])
            let twice = try self.advice("duplicate", "--store store", in: place)
            #expect(try runShell(twice.command, in: place.path).status == 0, "\(twice.command)")
            let all = try store.names()
            #expect(all.count == 5 && Set(all.values).count == 1, "\(twice.command)")
        }
    }
}
