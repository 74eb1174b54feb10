import Files
import JSON
import Support
import Testing

@Suite("Lossless deltas")
struct ExtractTests {
    private func extract(_ place: TemporaryFolder, _ more: [String] = [], as name: String = "d.tenon") -> [String] {
        ["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place(name)] + more
    }

    private func write(_ model: ExtractCase, in place: TemporaryFolder) throws {
        let (base, tuned) = model.models()
        try base.write(to: place("base"))
        try tuned.write(to: place("tuned"))
    }

    @Test("give every file back, byte for byte", arguments: ExtractCase.all)
    func comesBack(model: ExtractCase) throws {
        try inFolder { place in
            try write(model, in: place)
            let report = try document(succeed(extract(place, ["--json", "--threads", "1"])))
            let root = report["resultRoot"]?.string
            for level in ["structure", "quick", "full"] {
                try succeed(["verify", place("d.tenon"), "--level", level, "--values"])
            }
            let applied = try document(
                succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("again"), "--json"]))
            try expectSameFiles(place("tuned"), place("again"))
            #expect(applied["resultRoot"]?.string == root && applied["warnings"]?.array?.isEmpty == true)
            let tuned = try document(succeed(["fingerprint", place("tuned"), "--json"]))
            #expect(tuned["root"]?.string == root && root != nil)
        }
    }

    @Test(
        "are the same bytes on every body and number of threads, and so is what comes of them",
        arguments: [
            "BF16, every other element", "F16, every other element", "F32, every other element", "F64, any bits",
            "every type, few changes and many", "a vocabulary with more rows", "tensors around a window's border",
        ])
    func deterministic(name: String) throws {
        let model = try #require(ExtractCase.all.first { $0.description == name })
        try inFolder { place in
            try write(model, in: place)
            var first: [UInt8]?
            for (number, level) in ["portable", "avx2", "avx512"].enumerated() {
                let threads = ["--threads", "\(number + 1)"]
                try succeed(extract(place, threads, as: "\(number).tenon"), environment: ["TENON_SIMD": level])
                let bytes = try contents(of: place("\(number).tenon"))
                #expect(bytes == first ?? bytes, "\(level)")
                first = bytes
                // The delta of one body on a base read by another.
                let other = ["avx2", "avx512", "portable"][number]
                let apply = ["apply", place("\(number).tenon"), "--base", place("base"), "-o", place("out\(number)")]
                try succeed(apply + ["--threads", "\(3 - number)"], environment: ["TENON_SIMD": other])
                try expectSameFiles(place("tuned"), place("out\(number)"))
            }
        }
    }

    @Test("with every effort", arguments: ["fast", "default", "max"])
    func compression(effort: String) throws {
        let model = try #require(ExtractCase.all.first { $0.description == "BF16, every other element" })
        try inFolder { place in
            try write(model, in: place)
            try succeed(extract(place, ["--compression", effort]))
            try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("again")])
            try expectSameFiles(place("tuned"), place("again"))
        }
    }

    @Test("say what they hold in JSON")
    func report() throws {
        let model = try #require(ExtractCase.all.first { $0.description == "a vocabulary with more rows" })
        try inFolder { place in
            try write(model, in: place)
            let dry = try document(succeed(extract(place, ["--json", "--dry-run"])))
            #expect(try !exists(place("d.tenon")))
            let report = try document(succeed(extract(place, ["--json"])))
            for key in ["storedBytes", "contentDigest", "resultRoot", "tensors", "memoryBytes"] {
                #expect(dry[key] == report[key] && report[key] != nil, "\(key)")
            }
            #expect(try report["storedBytes"]?.int == contents(of: place("d.tenon")).count)
            #expect(report["relativeError"]?.double == 0)
            let kinds = (report["tensors"]?.array ?? []).map { tensor in
                #expect(tensor.object?.keys == ["name", "kind", "rank", "relativeError", "storedBytes"])
                return tensor["kind"]?.string ?? ""
            }
            #expect(kinds.filter { $0 == "extend" }.count == 2 && kinds.contains("sparse"))
            #expect(try report["tunedBytes"]?.int == contents(of: place("tuned/model.safetensors")).count)
            let inspected = try document(succeed(["inspect", place("d.tenon"), "--json"]))
            #expect(inspected["method"]?.string == "delta")
            #expect(inspected["contentDigest"] == report["contentDigest"])
            #expect(inspected["base"]?["root"] == report["baseRoot"])
            let text = try succeed(["inspect", place("d.tenon"), "--tensors"]).output
            #expect(text.contains("extend") && text.contains("sparse"))
        }
    }

    @Test("of a model that did not change hold nothing of its tensors")
    func unchanged() throws {
        let model = try #require(ExtractCase.all.first { $0.description == "nothing changed" })
        try inFolder { place in
            try write(model, in: place)
            let report = try document(succeed(extract(place, ["--json"])))
            #expect(report["tensors"]?.array?.isEmpty == true)
            #expect(report["equalTensors"]?.int == model.models().base.names.count)
        }
    }

    @Test("of a tensor that is there twice hold it once")
    func aliases() throws {
        let model = try #require(ExtractCase.all.first { $0.description.hasPrefix("a tensor under two names") })
        try inFolder { place in
            try write(model, in: place)
            let report = try document(succeed(extract(place, ["--json"])))
            let aliases = (report["tensors"]?.array ?? []).filter { $0["kind"]?.string == "alias" }
            #expect(aliases.compactMap { $0["name"]?.string } == ["a.copy", "b.copy", "new.again", "z.copy"])
        }
    }

    @Test("of single files, and to the standard output")
    func files() throws {
        let model = try #require(ExtractCase.all.first { $0.description == "BF16, one element in a hundred" })
        try inFolder { place in
            try write(model, in: place)
            let base = place("base/model.safetensors")
            let run = try succeed(["extract", "--base", base, "--tuned", place("tuned/model.safetensors"), "-o", "-"])
            try place.write(run.standardOutput, to: "d.tenon")
            #expect(run.errors.contains("result root "))
            try succeed(["apply", place("d.tenon"), "--base", base, "-o", place("again")])
            #expect(
                try contents(of: place("again/model.safetensors")) == contents(of: place("tuned/model.safetensors")))
            // A whole folder's delta takes its companions with it where the base is a single file.
            try succeed(["extract", "--base", base, "--tuned", place("tuned"), "-o", place("e.tenon")])
            try succeed(["apply", place("e.tenon"), "--base", base, "-o", place("whole")])
            try expectSameFiles(place("tuned"), place("whole"))
        }
    }

    @Test("replace what is there only if told to")
    func existing() throws {
        let model = try #require(ExtractCase.all.first { $0.description == "BF16, one element in a hundred" })
        try inFolder { place in
            try write(model, in: place)
            try place.write([1, 2], to: "d.tenon")
            try expectFailure(73, "output-exists", extract(place))
            #expect(try contents(of: place("d.tenon")) == [1, 2])
            try succeed(extract(place, ["--force"]))
            try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("again"), "--dry-run"])
            #expect(try !exists(place("again")))
            try expectFailure(
                73, "output-exists", ["apply", place("d.tenon"), "--base", place("base"), "-o", place("tuned")])
            try expectSameFiles(place("tuned"), place("tuned"))
        }
    }

    @Test("need two checkpoints")
    func inputs() throws {
        try inFolder { place in
            try ExtractCase.all[0].models().base.write(to: place("base"))
            try expectFailure(66, "not-found", extract(place))
            try expectFailure(64, "usage", ["extract", "--base", place("base"), "-o", place("d.tenon")])
            try Folder.make(place("tuned"))
            try expectFailure(65, "not-a-checkpoint", extract(place))
            try succeed(["pack", Fixtures.path("lora-llama"), "-o", place("a.tenon")])
            try expectFailure(
                65, "not-a-checkpoint",
                ["extract", "--base", place("base"), "--tuned", Fixtures.path("lora-llama"), "-o", place("d.tenon")])
            #expect(try place.names() == ["a.tenon", "base", "tuned"])
        }
    }

    @Test("can be unpacked as safetensors, and say why not as an adapter")
    func unpacked() throws {
        let model = try #require(ExtractCase.all.first { $0.description == "a vocabulary with more rows" })
        try inFolder { place in
            try write(model, in: place)
            try succeed(extract(place))
            try succeed(["unpack", place("d.tenon"), "--format", "safetensors", "-o", place("d.safetensors")])
            #expect(try !Checkpoint(place("d.safetensors")).tensors.isEmpty)
            for format in ["peft", "vllm"] {
                let unpack = ["unpack", place("d.tenon"), "--format", format, "-o", place("out")]
                try expectFailure(65, "not-exportable", unpack)
                try expectFailure(65, "not-exportable", unpack + ["--dry-run"])
                let run = try runTool(unpack)
                #expect(run.errors.contains("delta of checkpoints") && run.errors.contains("hint: tenon apply"))
            }
            #expect(try place.names() == ["base", "d.safetensors", "d.tenon", "tuned"])
        }
    }
}
