import Files
import JSON
import Support
import Testing

/// What `apply` must never do to files that are not its own, or to a result that it cannot vouch for.
@Suite("Apply keeps its hands off")
struct ApplySafetyTests {
    private func withDelta(_ body: (TemporaryFolder) throws -> Void) throws {
        try inFolder { place in
            try copyFolder(Models.path("llama"), to: place("base"))
            try Models.copy("llama", to: place("tuned")) { $1.flipped(byte: 8) }
            try succeed(["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place("d.tenon")])
            try body(place)
        }
    }

    @Test("a delta of checkpoints applies alone")
    func alone() throws {
        try withDelta { place in
            for others in [[place("d.tenon")], [Fixtures.path("lora-llama")]] {
                try expectFailure(
                    65, "base-incompatible",
                    ["apply", place("d.tenon")] + others + ["--base", place("base"), "-o", place("out")])
            }
            try expectFailure(
                64, "usage",
                [
                    "switch", "--merged", place("tuned"), "--from", place("d.tenon"), "--to",
                    Fixtures.path("lora-llama"), "--base", place("base"), "-o", place("out"),
                ])
            #expect(try place.names() == ["base", "d.tenon", "tuned"])
        }
    }

    @Test("no output replaces what it is made from, whatever --force says")
    func inputs() throws {
        try withDelta { place in
            let adapter = try packed("lora-llama", in: place)
            let apply = ["apply", adapter, "--base", place("base"), "--force", "-o"]
            for outputs in [
                [place("base")], [place("out"), "--undo", adapter], [place("out"), "--undo", place("out")],
                [place("out"), "--undo", place("base/model.safetensors")],
            ] {
                try expectFailure(64, "usage", apply + outputs)
            }
            #expect(try runTool(apply + ["-"]).status == 64)
            try expectFailure(
                64, "usage",
                [
                    "extract", "--base", place("base"), "--tuned", place("tuned"), "--force", "-o",
                    place("tuned/model.safetensors"),
                ])
            try expectSameFiles(Models.path("llama"), place("base"))
            #expect(try place.names() == ["a.tenon", "base", "d.tenon", "tuned"])
        }
    }

    @Test("a folder or link that is not ours is not cleared for unfinished work")
    func partial() throws {
        try inFolder { place in
            try Folder.make(place("precious"))
            try writeFile([1], to: place("precious/letter"))
            let apply = ["apply", Fixtures.path("lora-llama"), "--base", Models.path("llama"), "-o", place("out")]
            #expect(try runShell("ln -s precious .out.tenon-partial", in: place.path).status == 0)
            try expectFailure(73, "output-exists", apply)
            #expect(try runShell("rm .out.tenon-partial && mv precious .out.tenon-partial", in: place.path).status == 0)
            try expectFailure(73, "output-exists", apply)
            #expect(try contents(of: place(".out.tenon-partial/letter")) == [1])
        }
    }

    @Test("a weight that fp32 cannot hold is refused")
    func weight() throws {
        try inFolder { place in
            try expectFailure(
                64, "usage",
                [
                    "apply", Fixtures.path("lora-llama"), "--base", Models.path("llama"), "-o", place("out"), "--scale",
                    "1e300",
                ])
        }
    }

    @Test("memory for rows longer than a tile is told, and not taken beyond --memory")
    func longRows() throws {
        try inFolder { place in
            let columns = 1 << 19
            var random = RepeatableRandom(seed: 5)
            var model = TinyModel()
            model.add("wide.weight", "F32", [1, columns], &random)
            try model.write(to: place("base"))
            var weights = TinyModel()
            weights.add("base_model.model.wide.lora_A.weight", "F32", [1, columns], &random)
            weights.add("base_model.model.wide.lora_B.weight", "F32", [1, 1], &random)
            let config: JSONValue = ["peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["wide"]]
            try Folder.make(place("adapter"))
            try writeFile(JSONWriter.bytes(of: config, .pretty), to: place("adapter/adapter_config.json"))
            try writeFile(weights.file(0), to: place("adapter/adapter_model.safetensors"))
            let apply = ["apply", place("adapter"), "--base", place("base"), "-o", place("out"), "--threads", "1"]
            let plan = try document(succeed(apply + ["--dry-run", "--json"]))
            #expect(plan["memoryBytes"]?.int == (40 << 20) + columns * 8)
            for more in [[], ["--dry-run"]] { try expectFailure(74, "oom", apply + ["--memory", "42M"] + more) }
            #expect(try runTool(apply + ["--memory", "42M"]).errors.contains("hint: --memory 44M"))
            try succeed(apply + ["--memory", "44M"])
        }
    }

    @Test("a low-rank change of a layer that keeps its weights as [in, out] comes back as it was")
    func transposed() throws {
        try inFolder { place in
            try copyFolder(Models.path("gpt2"), to: place("base"))
            // One row of a square matrix: of rank one, and unlike its transpose.
            try Models.copy("gpt2", to: place("tuned")) { name, tensor in
                guard name.hasSuffix("attn.c_proj.weight") else { return tensor }
                var bytes = tensor.bytes
                for index in stride(from: 3, to: tensor.shape[1] * 4, by: 4) { bytes[index] = 0x3F }
                return .init(dtype: tensor.dtype, shape: tensor.shape, bytes: bytes)
            }
            let extract = ["extract", "--base", place("base"), "--tuned", place("tuned"), "--rank", "1"]
            try succeed(extract + ["-o", place("d.tenon")])
            try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("near")])
            let change = try document(succeed(extract + ["-o", place("e.tenon"), "--json"]))
            #expect(try #require(change["relativeError"]?.double) < 1e-3)
            let near = try Models.weights(place("near")).tensors
            for (name, tensor) in try Models.weights(place("tuned")).tensors where name.hasSuffix("attn.c_proj.weight")
            {
                let result = try #require(near[name])
                let far = zip(tensor.floats, result.floats).map { abs($0 - $1) }.max() ?? 0
                #expect(far < 1e-3, "\(name) \(far)")
            }
        }
    }
}
