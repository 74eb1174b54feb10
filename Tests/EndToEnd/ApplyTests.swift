import Files
import JSON
import Support
import Testing

@Suite("tenon apply")
struct ApplyTests {
    /// Applies fixtures to a base; gives the run, which must have succeeded.
    @discardableResult
    private func apply(
        _ adapters: [String], _ base: String, to output: String, _ options: [String] = [],
        environment: [String: String?] = [:]
    ) throws -> ToolRun {
        let arguments = ["apply"] + adapters + ["--base", base, "-o", output] + options
        let run = try runTool(arguments, environment: environment)
        try #require(run.status == 0, "\(run.errors)")
        return run
    }

    private func values(_ folder: String, _ name: String) throws -> [Double] {
        try #require(try Models.weights(folder).tensors[name]).floats
    }

    private let query = "model.layers.0.self_attn.q_proj.weight"

    @Test("gives what PEFT merges, and leaves every other byte of the base as it was", arguments: MergedRows.all)
    func sameAsPEFT(name: String) throws {
        try inFolder { place in
            let golden = try MergedRows(name)
            let base = Models.path(golden.base)
            let run = try apply([Fixtures.path(name)], base, to: place("out"), ["--json"])
            #expect(try place.names() == ["out"])
            let before = try Folder.entries(of: base).map(\.name)
            #expect(try Folder.entries(of: place("out")).map(\.name) == before)
            let config = try contents(of: place("out/config.json"))
            #expect(try config == contents(of: Paths.joined(base, "config.json")))

            let merged = try Models.weights(place("out"))
            #expect(golden.worst(merged) <= 1, "\(golden.worst(merged))")
            let original = try Models.weights(base).tensors
            #expect(Set(merged.tensors.keys) == Set(original.keys))
            let report = try document(run)
            let changed = merged.tensors.count { original[$0.key] != $0.value }
            let planned = try #require(report["changedTensors"]?.int)
            #expect(changed <= planned && report["tensors"]?.int == original.count)
        }
    }

    @Test("prints one document with the keys that scripts rely on; a dry run has the same and writes nothing")
    func documents() throws {
        try inFolder { place in
            let arguments = ["apply", Fixtures.path("lora-llama"), "--base", Models.path("llama"), "-o", place("out")]
            let plan = try runTool(arguments + ["--json", "--dry-run"])
            #expect(try plan.status == 0 && place.names() == [])
            let run = try runTool(arguments + ["--json", "--result-root"])
            #expect(run.status == 0)
            let keys = [
                "output", "files", "bytes", "tensors", "changedTensors", "baseCheck", "baseChecked", "resultRoot",
                "rounding",
                "undoBytes",
                "memoryBytes", "warnings",
            ]
            let documents = [try document(plan), try document(run)]
            for document in documents { #expect(document.object?.keys == keys) }
            for key in ["output", "files", "bytes", "tensors", "changedTensors", "memoryBytes"] {
                #expect(documents[0][key] == documents[1][key])
            }
            #expect(documents[1]["changedTensors"]?.int == 14 && documents[1]["baseCheck"]?.string == "strict")
            #expect(documents[1]["rounding"]?["overflowed"]?.int == 0)
            let found = try EndToEnd.document(try runTool(["fingerprint", place("out"), "--no-cache", "--json"]))
            #expect(documents[1]["resultRoot"] == found["root"])
            #expect(documents[1]["bytes"]?.int == (try InputFile(path: place("out/model.safetensors")).size))
            #expect(run.errors.hasPrefix("tenon: warning: is bound to no base"))
            #expect(try runTool(arguments + ["--force", "--quiet"]).errors == "")
        }
    }

    @Test("scaled by 0 gives the base byte for byte, by −1 what the adapter adds the other way")
    func scaled() throws {
        try inFolder { place in
            let adapter = [Fixtures.path("lora-llama")]
            for (name, scale) in [("zero", "0"), ("minus", "-1"), ("plus", "1")] {
                try apply(adapter, Models.path("llama"), to: place(name), ["--scale", scale])
            }
            let base = try contents(of: Paths.joined(Models.path("llama"), "model.safetensors"))
            #expect(try contents(of: place("zero/model.safetensors")) == base)
            let (minus, plus) = (try values(place("minus"), query), try values(place("plus"), query))
            let middle = try values(Models.path("llama"), query)
            let off = zip(zip(minus, plus), middle).map { abs(($0.0 + $0.1) / 2 - $1) }.max() ?? 1
            #expect(off < 1e-6 && minus != plus)
        }
    }

    @Test("several adapters share one sum, each with its weight")
    func several() throws {
        try inFolder { place in
            let both = [Fixtures.path("lora-llama"), Fixtures.path("lora-rslora")]
            let base = Models.path("llama")
            try apply(both, base, to: place("both"), ["--weights", "0.5,-0.25"])
            try apply([both[0]], base, to: place("one"), ["--scale", "0.5"])
            try apply([both[1]], base, to: place("two"), ["--scale", "-0.25"])
            let parts = (try values(place("one"), query), try values(place("two"), query), try values(base, query))
            let sum = zip(zip(parts.0, parts.1), parts.2).map { $0.0 + $0.1 - $1 }
            let worst = zip(try values(place("both"), query), sum).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 1e-6)
            let arguments = ["apply"] + both + ["--base", base, "-o", place("no"), "--weights"]
            for weights in ["1", "1,x", "1,,", "1,nan"] { try expectFailure(64, "usage", arguments + [weights]) }
            #expect(try place.names() == ["both", "one", "two"])
        }
    }

    @Test("another dtype is the fp32 result rounded once, to nearest and even", arguments: ["bf16", "f16"])
    func narrowed(dtype: String) throws {
        try inFolder { place in
            let adapter = [Fixtures.path("lora-llama")]
            try apply(adapter, Models.path("llama"), to: place("wide"))
            try apply(adapter, Models.path("llama"), to: place("narrow"), ["--dtype", dtype])
            let narrow = try Models.weights(place("narrow"))
            for (name, tensor) in try Models.weights(place("wide")).tensors {
                let found = try #require(narrow.tensors[name])
                #expect(found.dtype == dtype.uppercased() && found.shape == tensor.shape)
                let unit = dtype == "bf16" ? 0x1p-8 : 0x1p-11
                for (wide, value) in zip(tensor.floats, found.floats) {
                    #expect(abs(wide - value) <= max(abs(wide) * unit, 0x1p-25))
                }
            }
            try expectFailure(
                64, "usage", ["apply"] + adapter + ["--base", Models.path("llama"), "-o", place("x"), "--dtype", "f8"])
        }
    }

    @Test("16-bit bases give PEFT's fp32 merge of the same numbers within half a unit", arguments: ["bf16", "f16"])
    func narrowBases(dtype: String) throws {
        try inFolder { place in
            let adapter = Fixtures.path("lora-llama")
            // A base of 16 bits, and the same numbers in 32.
            try apply([adapter], Models.path("llama"), to: place("half"), ["--scale", "0", "--dtype", dtype])
            try apply([adapter], place("half"), to: place("same"), ["--scale", "0", "--dtype", "f32"])
            try apply([adapter], place("half"), to: place("narrow"))
            try apply([adapter], place("same"), to: place("wide"))
            let wide = try Models.weights(place("wide"))
            for (name, tensor) in try Models.weights(place("narrow")).tensors {
                let unit = dtype == "bf16" ? 0x1p-8 : 0x1p-11
                for (narrow, wide) in zip(tensor.floats, try #require(wide.tensors[name]).floats) {
                    #expect(abs(wide - narrow) <= max(abs(wide) * unit, 0x1p-25))
                }
            }
            let run = try apply([adapter], place("half"), to: place("again"), ["--json"])
            #expect(try (document(run)["rounding"]?["lostShare"]?.double ?? 0) > 0)
        }
    }

    @Test("new shards and shards that were there hold the same tensors")
    func shards() throws {
        try inFolder { place in
            let adapter = [Fixtures.path("lora-llama")]
            let options = ["--json", "--result-root"]
            let one = try document(try apply(adapter, Models.path("llama"), to: place("one"), options))
            try apply(adapter, Models.path("llama"), to: place("base"), ["--scale", "0", "--shard-size", "40kB"])
            let names = try Folder.entries(of: place("base")).map(\.name)
            #expect(names.contains("model.safetensors.index.json") && names.count > 4)
            #expect(!names.contains("model.safetensors"))
            let sharded = try document(try apply(adapter, place("base"), to: place("sharded"), options))
            #expect(sharded["resultRoot"] == one["resultRoot"] && sharded["files"]?.array?.count == names.count)
            #expect(try Folder.entries(of: place("sharded")).map(\.name) == names)
            let again = try document(
                try apply(adapter, place("base"), to: place("again"), options + ["--shard-size", "100GB"]))
            #expect(again["resultRoot"] == one["resultRoot"])
            #expect(try Folder.entries(of: place("again")).map(\.name).contains("model.safetensors"))
        }
    }

    @Test("an output that is there is replaced with --force alone")
    func replaced() throws {
        try inFolder { place in
            let arguments = ["apply", Fixtures.path("lora-llama"), "--base", Models.path("llama"), "-o", place("out")]
            #expect(try runTool(arguments).status == 0)
            try expectFailure(73, "output-exists", arguments)
            let before = try contents(of: place("out/model.safetensors"))
            #expect(try runTool(arguments + ["--scale", "2", "--force"]).status == 0)
            #expect(try contents(of: place("out/model.safetensors")) != before)
            #expect(try place.names() == ["out"])
        }
    }

    @Test(
        "the same bytes for any number of threads and every body of the kernels",
        arguments: ["lora-llama", "lora-dora", "oft", "lokr", "hra", "boft", "lora-gpt2"])
    func deterministic(name: String) throws {
        try inFolder { place in
            let base = Models.path(try MergedRows(name).base)
            func result(_ options: [String], _ simd: String?) throws -> [UInt8] {
                try apply(
                    [Fixtures.path(name)], base, to: place("out"), ["--force"] + options,
                    environment: ["TENON_SIMD": simd])
                return try contents(of: place("out/model.safetensors"))
            }
            let first = try result([], nil)
            for threads in ["1", "2", "7"] { #expect(try result(["--threads", threads], nil) == first) }
            for simd in ["portable", "avx2", "avx512"] { #expect(try result([], simd) == first) }
        }
    }

    @Test("NaN, infinities and −0 stay as they are where nothing is added")
    func untouched() throws {
        try inFolder { place in
            let strange: [Float] = [
                -0.0, .infinity, -.infinity, Float(bitPattern: 0x7F80_1234), Float(bitPattern: 0xFFC0_0001),
                .leastNonzeroMagnitude,
                0, 1,
            ]
            try Folder.make(place("base"))
            try Models.write(
                [("w.weight", .init(f32: strange + strange, [2, 8]))], to: place("base/model.safetensors"))
            try Folder.make(place("adapter"))
            try place.write(
                Array(#"{"peft_type":"LORA","r":1,"lora_alpha":1,"target_modules":["w"]}"#.utf8),
                to: "adapter/adapter_config.json")
            // Nothing is added to the first row, and 1 to the second.
            try Models.write(
                [
                    ("base_model.model.w.lora_A.weight", .init(f32: [Float](repeating: 1, count: 8), [1, 8])),
                    ("base_model.model.w.lora_B.weight", .init(f32: [0, 1], [2, 1])),
                ], to: place("adapter/adapter_model.safetensors"))
            try apply([place("adapter")], place("base"), to: place("out"))
            let before = try #require(try Models.weights(place("base")).tensors["w.weight"]).bytes
            let after = try #require(try Models.weights(place("out")).tensors["w.weight"]).bytes
            #expect(after.prefix(32) == before.prefix(32))
            let sums = try values(place("out"), "w.weight").suffix(8)
            #expect(sums.first == 1 && sums.last == 2)
            // A NaN stays the NaN that it was.
            #expect(after[32 + 12..<32 + 20] == before[32 + 12..<32 + 20])
        }
    }

    @Test("holds little of a large base, and what its dry run says at most")
    func memory() throws {
        try inFolder { place in
            try SyntheticAdapter.make(at: place("adapter"), byteCount: 8 << 17, tensorBytes: 1 << 17)
            var tensors: [(name: String, tensor: Checkpoint.Tensor)] = []
            for layer in 0..<4 {
                tensors.append(
                    (
                        "model.layers.\(layer).self_attn.q_proj.weight",
                        .init(dtype: "BF16", shape: [2048, 2048], bytes: [UInt8](repeating: 0x3C, count: 1 << 23))
                    ))
            }
            try Folder.make(place("base"))
            try Models.write(tensors, to: place("base/model.safetensors"))
            tensors = []
            let plan = try apply(
                [place("adapter")], place("base"), to: place("out"), ["--dry-run", "--json", "--threads", "2"])
            let limit = try #require(try document(plan)["memoryBytes"]?.int)
            let run = try apply([place("adapter")], place("base"), to: place("out"), ["--threads", "2"])
            #expect(run.peakMemory > 1 << 20 && run.peakMemory < limit, "\(run.peakMemory) of \(limit)")
        }
    }
}
