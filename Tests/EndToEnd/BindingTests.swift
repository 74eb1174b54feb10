import Files
import JSON
import Support
import Testing

/// `pack --base`, `verify --base`, and what `apply` makes of a base that is another one.
@Suite("Bound to a base")
struct BindingTests {
    private let query = "model.layers.0.self_attn.q_proj.weight"
    private let embeddings = "model.embed_tokens.weight"

    /// A container of `lora-llama` that is bound to the base it was made for, or to another.
    private func bound(in place: TemporaryFolder, to base: String = Models.path("llama")) throws -> String {
        let run = try runTool(["pack", Fixtures.path("lora-llama"), "--base", base, "-o", place("x.tenon")])
        try #require(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("bound to the base ") && run.errors == "")
        return place("x.tenon")
    }

    private func apply(_ container: String, _ base: String, _ place: TemporaryFolder, _ more: [String] = []) -> [String]
    {
        ["apply", container, "--base", base, "-o", place("out")] + more
    }

    /// Expects apply to refuse a base and verify to say no to it, in the same words, which contain `texts`.
    private func expectMismatch(
        _ container: String, _ base: String, _ place: TemporaryFolder, tells texts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for (arguments, status, code) in [
            (apply(container, base, place), 65, "base-mismatch"),
            (["verify", container, "--base", base], 1, "verification-failed"),
        ] as [([String], Int32, String)] {
            let run = try runTool(arguments + ["--json"])
            #expect(run.status == status, "\(run.errors)", sourceLocation: sourceLocation)
            let error = try document(run)["error"]
            #expect(error?["code"]?.string == code, "\(run.errors)", sourceLocation: sourceLocation)
            for text in texts { #expect(run.errors.contains(text), "\(run.errors)", sourceLocation: sourceLocation) }
        }
        #expect(try !exists(place("out")), sourceLocation: sourceLocation)
    }

    /// Expects a verification to fail in its last check.
    private func expectRefusal(
        _ status: Int32, _ code: String, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let run = try runTool(arguments + ["--json"])
        let document = try document(run)
        #expect(run.status == status && document["ok"]?.bool == false, sourceLocation: sourceLocation)
        #expect(document["error"]?["code"]?.string == code, "\(run.errors)", sourceLocation: sourceLocation)
        #expect(document["checks"]?.array?.last?["ok"]?.bool == false, sourceLocation: sourceLocation)
    }

    @Test("entries have the leaves of the tensors they are for, and the base fits")
    func fits() throws {
        try inFolder { place in
            let container = try bound(in: place)
            let base = Models.path("llama")
            let fingerprint = try document(try runTool(["fingerprint", base, "--json", "--tensors", "--no-cache"]))
            var leaves: [String: JSONValue] = [:]
            for tensor in fingerprint["tensors"]?.array ?? [] {
                leaves[tensor["name"]?.string ?? ""] = tensor["digest"]
            }
            let summary = try document(try runTool(["inspect", container, "--json"]))
            #expect(summary["base"]?.object?.keys == ["root", "headerDigest"])
            for key in ["root", "headerDigest"] { #expect(summary["base"]?[key] == fingerprint[key]) }
            let entries = (summary["entries"]?.array ?? []).filter { $0["kind"]?.string == "lora" }
            #expect(entries.count == 14)
            for entry in entries {
                #expect(entry["baseLeaf"] == leaves[entry["target"]?.string ?? ""])
                #expect(entry["resultLeaf"]?.isNull == true)
            }
            let text = try runTool(["inspect", container, "--tensors"]).output
            #expect(text.contains("  base leaf   \(leaves[query]?.string ?? "?")\n"))

            let verified = try runTool(["verify", container, "--base", base])
            #expect(verified.status == 0 && verified.errors == "")
            #expect(verified.output.contains("ok  base        the base has the root "))
            let applied = try runTool(apply(container, base, place))
            #expect(applied.status == 0 && applied.errors == "", "\(applied.errors)")
            let unbound = try packed("lora-llama", in: place)
            let weak = try document(try runTool(["verify", unbound, "--base", base, "--json"]))
            #expect(weak["ok"]?.bool == true && weak["warnings"]?.array?.count == 1)
            #expect(weak["checks"]?.array?.last?["name"]?.string == "base")
        }
    }

    @Test(
        "the container says so and is otherwise the same; unpacked, it is what was packed", arguments: ["none", "int8"])
    func reversible(scheme: String) throws {
        try inFolder { place in
            for (name, more) in [("bound", ["--base", Models.path("llama")]), ("unbound", [])] {
                let pack = ["pack", Fixtures.path("lora-llama"), "-o", place(name), "--quantize", scheme] + more
                #expect(try runTool(pack).status == 0)
                #expect(try runTool(["unpack", place(name), "-o", place(name + "-out")]).status == 0)
            }
            let file = "adapter_model.safetensors"
            #expect(try contents(of: place("bound-out/" + file)) == contents(of: place("unbound-out/" + file)))
            let digests = try ["bound", "unbound"].map { name in
                try document(try runTool(["inspect", place(name), "--json"]))["contentDigest"]
            }
            #expect(digests[0] != digests[1])
            let verified = try document(
                try runTool(["verify", place("bound"), "--base", Models.path("llama"), "--json"]))
            #expect(verified["ok"]?.bool == true && verified["warnings"]?.array == [])
        }
    }

    @Test(
        "methods of all sorts can be bound",
        arguments: [
            ("lora-gpt2", "gpt2"), ("lora-bert", "bert"), ("ia3-t5", "t5"), ("prefix", "llama"),
            ("lora-pissa", "llama"),
            ("lora-parameters-experts", "mixtral"), ("lora-modules-to-save", "bert-classifier"), ("xlora", "llama"),
            ("lora-bias-all", "bert"),
        ])
    func methods(name: String, base: String) throws {
        try inFolder { place in
            let pack = ["pack", Fixtures.path(name), "--base", Models.path(base), "-o", place("x.tenon")]
            let run = try runTool(pack)
            #expect(run.status == 0, "\(run.errors)")
            let verified = try runTool(["verify", place("x.tenon"), "--base", Models.path(base)])
            #expect(verified.status == 0 && verified.output.contains("ok  base"), "\(verified.errors)")
            let other = base == "gpt2" ? "bert" : "gpt2"
            #expect(try runTool(["verify", place("x.tenon"), "--base", Models.path(other)]).status == 1)
        }
    }

    @Test("several adapters are bound to one base, or none is packed")
    func several() throws {
        try inFolder { place in
            let sources = ["lora-llama", "lora-rslora"].map(Fixtures.path)
            let pack = ["pack"] + sources + ["-o", place("out"), "--base"]
            try expectFailure(65, "base-incompatible", pack + [Models.path("gpt2")])
            #expect(try place.names() == [])
            let document = try document(try runTool(pack + [Models.path("llama"), "--json"]))
            for adapter in document["adapters"]?.array ?? [] { #expect(adapter["base"]?["root"]?.string?.count == 64) }
            #expect(document["adapters"]?.array?.count == 2)
        }
    }

    @Test("one flipped bit in a tensor that is changed is refused by name, one elsewhere told")
    func flipped() throws {
        try inFolder { place in
            let container = try bound(in: place)
            try Models.copy("llama", to: place("touched")) { [query] in $0 == query ? $1.flipped(byte: 77) : $1 }
            try expectMismatch(
                container, place("touched"), place,
                tells: [query, "in 1 tensor ", "hint: names, types and shapes are the same"])
            for check in ["shapes", "off"] {
                let run = try runTool(apply(container, place("touched"), place, ["--base-check", check, "--force"]))
                #expect(run.status == 0 && run.errors.contains("not checked") == (check == "off"), "\(run.errors)")
            }
            try Models.copy("llama", to: place("else")) { [embeddings] in $0 == embeddings ? $1.flipped(byte: 5) : $1 }
            for arguments in [
                apply(container, place("else"), place, ["--force"]), ["verify", container, "--base", place("else")],
            ] {
                let run = try runTool(arguments)
                #expect(run.status == 0 && run.errors.contains("but is in every tensor that it changes"))
            }
            // What depends on the whole model has no leaf to go by.
            let prefix = ["pack", Fixtures.path("prefix"), "--base", Models.path("llama"), "-o", place("p.tenon")]
            #expect(try runTool(prefix).status == 0)
            try expectRefusal(1, "verification-failed", ["verify", place("p.tenon"), "--base", place("else")])
        }
    }

    @Test("the nearest explanation is proved: another dtype, a resized vocabulary, one tensor more, quantized")
    func explained() throws {
        try inFolder { place in
            func zero(_ base: String, _ name: String, _ dtype: String) throws {
                let run = try runTool(
                    [
                        "apply", Fixtures.path("lora-llama"), "--base", base, "-o", place(name), "--scale", "0",
                        "--dtype", dtype,
                    ])
                try #require(run.status == 0, "\(run.errors)")
            }
            try zero(Models.path("llama"), "half", "bf16")
            try zero(place("half"), "wide", "f32")
            let half = try bound(in: place, to: place("half"))
            try expectMismatch(
                half, place("wide"), place, tells: ["the values are equal in BF16", "in 14 tensors", "down_proj"])
            try Folder.remove(half)
            let container = try bound(in: place)
            // Narrowing lost what was there: only the headers speak.
            try expectMismatch(container, place("half"), place, tells: ["with all floats in F32 names and shapes"])

            let wrong = query
            try Models.copy("llama", to: place("resized")) { [embeddings] name, tensor in
                name == wrong
                    ? tensor.flipped(byte: 0)
                    : name == embeddings || name == "lm_head.weight"
                        ? tensor.resized(rows: tensor.shape[0] + 8) : tensor
            }
            try expectMismatch(container, place("resized"), place, tells: ["a vocabulary that was resized"])

            try Models.copy("llama", to: place("more")) { $0 == wrong ? $1.flipped(byte: 0) : $1 }
            var tensors = try Models.weights(place("more")).tensors
            tensors["extra.weight"] = .init(f32: [1, 2, 3], [3])
            try Models.write(tensors.map { ($0.key, $0.value) }, to: place("more/model.safetensors"))
            try expectMismatch(
                container, place("more"), place, tells: ["one tensor more than the delta's base: extra.weight"])
        }
    }

    @Test("a quantized base is refused with what to do", arguments: ["gptq", "awq", "mxfp4", "bitsandbytes"])
    func quantized(method: String) throws {
        try inFolder { place in
            try Models.copy("llama", to: place("base")) { $1 }
            let config = #"{"model_type":"llama","quantization_config":{"quant_method":"\#(method)"}}"#
            try writeFile(Array(config.utf8), to: place("base/config.json"))
            let adapter = Fixtures.path("lora-llama")
            for arguments in [
                apply(adapter, place("base"), place), ["pack", adapter, "--base", place("base"), "-o", place("out")],
            ] {
                try expectFailure(65, "base-incompatible", arguments)
                let run = try runTool(arguments)
                #expect(
                    run.errors.contains("quantized (\(method))")
                        && run.errors.contains("hint: apply to the base it was"))
            }
            #expect(try place.names() == ["base"])
            try writeFile(Array("{}".utf8), to: place("base/config.json"))
            #expect(try runTool(apply(adapter, place("base"), place, ["--dry-run"])).status == 0)
            let other = #"{"quantization":{"quant_algo":"\#(method)"}}"#
            try writeFile(Array(other.utf8), to: place("base/hf_quant_config.json"))
            try expectFailure(65, "base-incompatible", apply(adapter, place("base"), place))
        }
    }

    @Test("a base that is known and another one is refused before anything is written")
    func known() throws {
        try inFolder { place in
            let container = try bound(in: place)
            try Models.copy("llama", to: place("base")) { [query] in $0 == query ? $1.flipped(byte: 77) : $1 }
            _ = try runTool(["2.1"], executable: "/bin/sleep")
            let home: [String: String?] = ["XDG_CACHE_HOME": place("cache"), "TENON_CACHE": nil]
            let plan = apply(container, place("base"), place, ["--dry-run"])
            #expect(try runTool(plan, environment: home).status == 0)
            // The data pass once, and are remembered.
            try expectFailure(65, "base-mismatch", apply(container, place("base"), place), environment: home)
            #expect(try Folder.entries(of: place("cache/tenon/fingerprints")).count == 1)
            try expectFailure(65, "base-mismatch", plan, environment: home)
        }
    }

    @Test("what was checked of the base is told, by a dry run, the document and the correction")
    func told() throws {
        try inFolder { place in
            let bare = Fixtures.path("lora-llama")
            let container = try bound(in: place)
            for (adapter, check, planned, done) in [
                (container, "strict", "shapes", "digests"), (container, "shapes", "shapes", "shapes"),
                (container, "off", "nothing", "nothing"), (bare, "strict", "shapes", "shapes"),
                (bare, "off", "nothing", "nothing"),
            ] {
                let arguments = apply(
                    adapter, Models.path("llama"), place,
                    ["--base-check", check, "--undo", place("u.tenon"), "--force", "--json"])
                // Without a cache nothing is known beforehand.
                let dry = try document(succeed(arguments + ["--dry-run"], environment: ["TENON_CACHE": "off"]))
                #expect(dry["baseChecked"]?.string == planned && dry["baseCheck"]?.string == check)
                let text = try succeed(arguments.dropLast() + ["--dry-run"], environment: ["TENON_CACHE": "off"])
                #expect(text.output.contains("base: not read"))
                let real = try document(succeed(arguments))
                #expect(real["baseChecked"]?.string == done && real["baseCheck"]?.string == check)
                let noted = try String(decoding: contents(of: place("u.tenon")), as: UTF8.self).contains("base_check")
                #expect(noted == (check != "strict"))
                try succeed(["verify", place("u.tenon")])
            }
        }
    }

    @Test("targets are found under the names that other classes of a model give them")
    func renamed() throws {
        try inFolder { place in
            try copyFolder(Models.path("bert"), to: place("bare"))
            let tensors = try Models.weights(place("bare")).tensors.map { name, tensor in
                let bare = name.hasPrefix("bert.") ? String(name.dropFirst(5)) : name
                let norm = bare.replacing("LayerNorm.weight", with: "LayerNorm.gamma")
                return (norm.replacing("LayerNorm.bias", with: "LayerNorm.beta"), tensor)
            }
            try Models.write(tensors, to: place("bare/model.safetensors"))
            for adapter in ["lora-bert", "lora-bias-all"] {
                for (name, base) in [("as-named", Models.path("bert")), ("renamed", place("bare"))] {
                    let run = try runTool([
                        "apply", Fixtures.path(adapter), "--base", base, "-o", place(name), "--force",
                    ])
                    #expect(run.status == 0, "\(run.errors)")
                }
                let (one, two) = (try Models.weights(place("as-named")), try Models.weights(place("renamed")))
                for (name, tensor) in one.tensors where name.hasPrefix("bert.encoder") && name.hasSuffix("y.weight") {
                    #expect(two.tensors[String(name.dropFirst(5))] == tensor)
                }
                let norm = "embeddings.LayerNorm"
                #expect(two.tensors[norm + ".beta"] == one.tensors["bert." + norm + ".bias"])
                let pack = ["pack", Fixtures.path(adapter), "--base", place("bare"), "-o", place("x.tenon"), "--force"]
                #expect(try runTool(pack).status == 0)
                let verify = try runTool(["verify", place("x.tenon"), "--base", place("bare")])
                #expect(verify.status == 0 && verify.errors == "")
            }
        }
    }

    @Test("a base of other modules or shapes is refused with the nearest names")
    func incompatible() throws {
        try inFolder { place in
            let adapter = Fixtures.path("lora-llama")
            for verb in ["apply", "pack"] {
                let arguments = [verb, adapter, "--base", Models.path("gpt2"), "-o", place("out")]
                try expectFailure(65, "base-incompatible", arguments)
                let errors = try runTool(arguments).errors
                #expect(errors.contains("0 of 14 entries could be applied"))
                #expect(errors.contains("hint: the nearest that it has: transformer.h.0.mlp.c_proj.weight"))
            }
            try Models.copy("llama", to: place("cut")) { [query] in $0 == query ? $1.resized(rows: 8) : $1 }
            for verb in ["apply", "pack"] {
                let arguments = [verb, adapter, "--base", place("cut"), "-o", place("out")]
                try expectFailure(65, "base-incompatible", arguments)
                #expect(try runTool(arguments).errors.contains("13 of 14 entries"))
            }
            try Models.copy("llama", to: place("integers")) { [query] in
                $0 == query ? .init(dtype: "I32", shape: $1.shape, bytes: $1.bytes) : $1
            }
            try expectFailure(65, "base-incompatible", apply(adapter, place("integers"), place))
            #expect(try !exists(place("out")))
        }
    }

    @Test("a base whose files do not belong together is refused, and nothing is left")
    func broken() throws {
        try inFolder { place in
            let adapter = Fixtures.path("lora-llama")
            func shards() throws {
                let run = try runTool(
                    [
                        "apply", adapter, "--base", Models.path("llama"), "-o", place("base"), "--scale", "0",
                        "--shard-size", "40kB", "--force",
                    ])
                try #require(run.status == 0, "\(run.errors)")
            }
            func refused(_ status: Int32, _ code: String) throws {
                try expectFailure(status, code, apply(adapter, place("base"), place))
                try expectFailure(status, code, ["pack", adapter, "--base", place("base"), "-o", place("out")])
                #expect(try place.names() == ["base"])
            }
            try shards()
            let names = try Folder.entries(of: place("base")).map(\.name).filter { $0.hasSuffix(".safetensors") }
            let first = place("base/" + names[0])
            let bytes = try contents(of: first)
            try writeFile(bytes.dropLast(4), to: first)
            try refused(65, "base-invalid")
            try writeFile(Array(bytes.prefix(12)), to: first)
            try refused(65, "base-invalid")
            // Of two models: the second shard in place of the first.
            try writeFile(try contents(of: place("base/" + names[1])), to: first)
            try refused(65, "base-ambiguous")
            try Folder.remove(first)
            try refused(66, "base-missing-shard")
            try writeFile(bytes, to: first)
            let index = place("base/model.safetensors.index.json")
            let text = String(decoding: try contents(of: index), as: UTF8.self)
            try writeFile(Array(text.replacing(query, with: "model.absent.weight").utf8), to: index)
            try refused(65, "base-ambiguous")
        }
    }

    @Test("a lossless delta reconstructs what it was taken from and nothing else")
    func reconstructs() throws {
        try inFolder { place in
            try Models.copy("llama", to: place("tuned")) { [query] in $0 == query ? $1.flipped(byte: 9) : $1 }
            let base = Models.path("llama")
            let extract = ["extract", "--base", base, "--tuned", place("tuned"), "-o", place("x.tenon")]
            #expect(try runTool(extract).status == 0)
            let verify = ["verify", place("x.tenon"), "--base", base, "--reconstructs"]
            let good = try document(try runTool(verify + [place("tuned"), "--json"]))
            #expect(good["ok"]?.bool == true && good["warnings"]?.array == [])
            #expect((good["checks"]?.array ?? []).suffix(2).map { $0["name"]?.string } == ["base", "reconstructs"])
            try expectRefusal(1, "verification-failed", verify + [base])
            #expect(try runTool(verify + [base]).errors.contains(query))
            try expectRefusal(1, "verification-failed", ["verify", place("x.tenon"), "--base", place("tuned")])
            let adapter = try packed("lora-llama", in: place)
            try expectRefusal(1, "verification-failed", ["verify", adapter, "--reconstructs", base])
        }
    }
}
