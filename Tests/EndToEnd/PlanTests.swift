import Files
import JSON
import Support
import Testing

/// The verb on the built binary.
@Suite("plan")
struct PlanTests {
    private static func config(_ name: String) -> String { Paths.joined(Fixtures.root, "plan/\(name).json") }

    private func plan(_ model: String, _ arguments: [String]) throws -> JSONValue {
        try document(try runTool(["plan", "--config", Self.config(model), "--json"] + arguments))
    }

    @Test("the keys that scripts rely on, and LLaMA-7B's figures")
    func keys() throws {
        let plan = try plan("llama-7b", ["--rank", "8", "--dtype", "fp32", "--tasks", "100"])
        #expect(plan["baseParameters"]?.int == 6_738_415_616)
        #expect(plan["trainableParameters"]?.int == 4_194_304)
        #expect(abs((plan["trainableShare"]?.double ?? 0) - 4_194_304 / 6_742_609_920) < 1e-12)
        #expect(plan["adapterBytes"]?.int == 16_777_216)
        #expect(plan["fullCopiesBytes"]?.int == 100 * 4 * 6_738_415_616)
        #expect(plan["adaptersBytes"]?.int == 4 * 6_738_415_616 + 100 * 16_777_216)
        #expect(plan["savedShare"]?.double ?? 0 > 0.98)
        let parts = ["weights", "gradients", "optimizer", "activations"].compactMap { plan["trainingBytes"]?[$0]?.int }
        #expect(parts.count == 4)
        #expect(plan["trainingBytes"]?["total"]?.int == parts.reduce(0, +))
        #expect(plan["trainingBytes"]?.object?.keys == ["weights", "gradients", "optimizer", "activations", "total"])
    }

    @Test("options reach the figures")
    func options() throws {
        #expect(try plan("llama-7b", ["--target-modules", "all-linear"])["trainableParameters"]?.int == 19_988_480)
        #expect(try plan("gpt3", ["--rank", "1"])["trainableParameters"]?.int == 4_718_592)
        let prompt = ["--method", "prompt-tuning", "--virtual-tokens", "5"]
        #expect(try plan("t5-xxl", prompt)["trainableParameters"]?.int == 20_480)
        #expect(try plan("llama-7b", ["--method", "llama-adapter"])["trainableParameters"]?.int == 1_229_760)
        #expect(try plan("llama-7b", ["--num-layers", "2"])["trainableParameters"]?.int == 4 * 65_536)
        let pattern = ["--set", "rank_pattern={\"v_proj\":4}"]
        #expect(try plan("llama-7b", pattern)["trainableParameters"]?.int == 48 * 65_536)
        let classes = ["--head", "sequence-classification"]
        #expect(try plan("roberta-base", classes)["trainableParameters"]?.int == 887_042)
        func activations(_ arguments: [String]) throws -> Int {
            try plan("llama-7b", arguments)["trainingBytes"]?["activations"]?.int ?? 0
        }
        let one = try activations(["--max-seq-length", "64"])
        #expect(try activations(["--max-seq-length", "64", "--grad-checkpoint"]) < one)
        #expect(try activations(["--max-seq-length", "64", "--batch-size", "8"]) > 7 * one)
        let states = ["--optimizer", "sgd"]
        #expect(try plan("llama-7b", states)["trainingBytes"]?["optimizer"]?.int == 0)
        let four = try plan("llama-65b", ["--quantize-base", "nf4"])["trainingBytes"]?["weights"]?.int ?? 0
        #expect(four == 34_458_927_104 + 4 * 20_971_520)
    }

    @Test("the formulas come with their numbers")
    func explain() throws {
        let run = try runTool(["plan", "--config", Self.config("llama-7b"), "--explain"])
        #expect(run.status == 0)
        #expect(run.output.contains("6,738,415,616"))
        #expect(
            run.output.contains("q_proj, v_proj: n·(r·in + out·r) = 64 · (8 · 4,096 + 4,096 · 8) = 4,194,304"))
        let formulas = try plan("llama-7b", ["--explain"])["formulas"]?.array ?? []
        let base = formulas.filter { $0["of"]?.string == "base" }.compactMap { $0["value"]?.int }
        #expect(base.reduce(0, +) == 6_738_415_616)
    }

    @Test("all methods in one table", arguments: ["llama-7b", "bert-base", "t5-base", "chatglm2-6b"])
    func compare(model: String) throws {
        let run = try runTool(["plan", "--config", Self.config(model), "--compare"])
        let rows = run.output.split(separator: "\n").map { $0.split(separator: " ")[0] }
        #expect(run.status == 0)
        for word in ["full", "lora", "dora", "qlora", "ia3", "prefix-tuning", "bitfit", "houlsby"] {
            #expect(rows.contains { $0 == word }, "\(word)")
        }
        let methods = try plan(model, ["--compare"])["methods"]?.array ?? []
        #expect(methods.count == rows.count - 2)
        for method in methods {
            #expect((method["trainableParameters"]?.int ?? 0) > 0 || method["reason"]?.string != nil)
        }
    }

    @Test("a model's folder serves as well as its config")
    func folder() throws {
        let folder = Paths.joined(Fixtures.root, "bases/llama")
        let file = try runTool(["plan", "--config", Paths.joined(folder, "config.json"), "--json"])
        #expect(try runTool(["plan", "--config", folder, "--json"]).output == file.output)
        let checkpoint = try Checkpoint(Paths.joined(folder, "model.safetensors"))
        let count = checkpoint.tensors.values.reduce(0) { $0 + $1.shape.reduce(1, *) }
        #expect(try document(file)["baseParameters"]?.int == count)
    }

    @Test("settings that do nothing are told")
    func unused() throws {
        let llama = ["plan", "--config", Self.config("llama-7b")]
        func warnings(_ arguments: [String]) throws -> String {
            let run = try runTool(llama + arguments)
            #expect(run.status == 0, "\(run.errors)")
            return run.errors
        }
        let both = try warnings(["--set", "rank_pattern={\"v_proj\":4,\"up_proj\":2,\"layers.0.self_attn.v_proj\":3}"])
        #expect(
            both == """
                tenon: warning: no module takes its rank from this pattern (up_proj)
                tenon: warning: no module takes its rank from this pattern (layers.0.self_attn.v_proj)

                """)
        #expect(try warnings(["--set", "alpha_pattern={\"k_proj\":4}"]).contains("takes its alpha from this pattern"))
        #expect(try warnings(["--set", "rank_pattern={\"v_proj\":4}", "--target-modules", "q_proj,v_proj"]).isEmpty)
        let ignored = "none of the figures depends on this setting"
        #expect(try warnings(["--method", "adalora", "--set", "use_dora=false"]).contains("\(ignored) (use_dora)"))
        #expect(try warnings(["--set", "lora_alpha=32"]).contains("\(ignored) (lora_alpha)"))
        #expect(try warnings(["--set", "lora_alpha=32", "--quiet"]).isEmpty)
        #expect(try warnings(["--set", "target_modules=\"all-linear\""]).isEmpty)
        let table = try warnings(["--compare", "--set", "rank_pattern={\"v_proj\":4}"])
        #expect(table.isEmpty, "\(table)")
        #expect(try warnings(["--compare", "--set", "rank_pattern={\"v_porj\":4}"]).contains("takes its rank"))
        try expectFailure(64, "usage", llama + ["--compare", "--set", "foo=1"])
        try expectFailure(64, "usage", llama + ["--compare", "--method", "lora"])
        try expectFailure(64, "usage", llama + ["--method", "dora", "--set", "use_dora=false"])
        try expectFailure(64, "usage", llama + ["--method", "rslora", "--set", "use_rslora=false"])
    }

    @Test("rows that are longer than the model has positions for are told")
    func lengths() throws {
        func run(_ model: String, _ length: String...) throws -> ToolRun {
            try runTool(
                ["plan", "--config", Self.config(model), "--json"] + length.flatMap { ["--max-seq-length", $0] })
        }
        for (model, most) in [("gpt2", 1024), ("roberta-base", 512), ("llama-7b", 2048), ("falcon-7b", 2048)] {
            #expect(try run(model, "\(most)").errors.isEmpty, "\(model)")
            #expect(try run(model, "\(most + 1)").errors.contains("the model's \(most) positions"), "\(model)")
        }
        for model in ["bloom-560m", "t5-base", "deberta-v3-base"] {
            #expect(try run(model, "100000").errors.isEmpty, "\(model)")
        }
        try inFolder { place in
            let config =
                "{\"model_type\":\"gpt2\",\"n_embd\":8,\"n_layer\":1,\"n_head\":2,\"vocab_size\":9,\"n_positions\":64}"
            try place.write(Array(config.utf8), to: "config.json")
            let run = try runTool(["plan", "--config", place.path, "--json"])
            #expect(try run.errors.isEmpty && document(run)["maxSeqLength"]?.int == 64)
        }
    }

    @Test("mistakes are told")
    func mistakes() throws {
        let llama = ["plan", "--config", Self.config("llama-7b")]
        try expectFailure(64, "usage", llama + ["--method", "lroa"])
        try expectFailure(64, "usage", llama + ["--target-modules", "q_porj"])
        try expectFailure(64, "usage", llama + ["--rank", "0"])
        try expectFailure(64, "usage", llama + ["--rank", "-1"])
        try expectFailure(64, "usage", llama + ["--method", "ia3", "--rank", "8"])
        try expectFailure(64, "usage", llama + ["--set", "r=99999999999999"])
        try expectFailure(64, "usage", llama + ["--set", "nothing=1"])
        try expectFailure(64, "usage", llama + ["--batch-size", "0"])
        try expectFailure(64, "usage", llama + ["--tasks", "0"])
        try expectFailure(64, "usage", llama + ["--num-layers", "33"])
        try expectFailure(64, "usage", llama + ["--dtype", "int3"])
        try expectFailure(64, "usage", llama + ["--compare", "--explain"])
        try expectFailure(64, "usage", llama + ["--method", "bitfit"])
        try expectFailure(64, "usage", llama + ["--head", "masked-lm"])
        try expectFailure(66, "not-found", ["plan", "--config", "/nowhere/config.json"])
        try inFolder { place in
            let mixtral = Paths.joined(Fixtures.root, "bases/mixtral")
            try expectFailure(65, "unknown-architecture", ["plan", "--config", mixtral])
            try expectFailure(65, "config-missing", ["plan", "--config", place.path])
            for (name, text) in [
                ("missing", "{\"model_type\":\"llama\"}"), ("negative", "{\"model_type\":\"gpt2\",\"n_embd\":-1}"),
                ("huge", "{\"model_type\":\"gpt2\",\"n_embd\":9223372036854775807}"),
            ] {
                try place.write(Array(text.utf8), to: name)
                try expectFailure(65, "config-invalid", ["plan", "--config", place(name)])
            }
        }
    }
}
