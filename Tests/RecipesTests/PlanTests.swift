import DeltaAlgebra
import Diagnostics
import JSON
import Recipes
import Support
import Tensors
import Testing

/// What every tensor of the result is.
@Suite struct PlanTests {
    @Test func stacksLayers() throws {
        let models = try TinyModels()
        let config: JSONValue = ["num_hidden_layers": 4, "layer_types": ["a", "b", "c", "d"]]
        try models.write("a", layers: 4, config: config)
        try models.write("b", layers: 4, offset: 0.5)
        let plan = try models.plan(
            """
            merge_method: passthrough
            slices:
              - sources: [{model: $a, layer_range: [0, 3]}]
              - sources: [{model: $b, layer_range: [1, 4], parameters: {scale: [{filter: q_proj, value: 0.5}]}}]
            """)
        let layers = (0..<6).map { "model.layers.\($0).mlp.down_proj.weight" }
        #expect(plan.names.filter { $0.hasSuffix("down_proj.weight") } == layers)
        let first = try layers.map { name in try plan.copied(name).map(floats)?.first }
        #expect(first == [1000, 2000, 3000, 2000.5, 3000.5, 4000.5])
        #expect(plan.copied("model.layers.2.self_attn.q_proj.weight") != nil)
        #expect(plan.merge("model.layers.3.self_attn.q_proj.weight")?.inputs.first?.values["scale"] == 0.5)
        #expect(try plan.copied("model.embed_tokens.weight").map(floats)?.first == 0)
        #expect(try plan.copied("model.norm.weight").map(floats)?.first == 100.5)
        #expect(try plan.copied("lm_head.weight").map(floats)?.first == 200.5)
        let written = try plan.config()
        #expect(written?["num_hidden_layers"]?.int == 6)
        #expect(written?["layer_types"] == ["a", "b", "c", "b", "c", "d"])
        #expect(written?["tie_word_embeddings"] == false)
    }

    @Test func refusesLayersOfOtherWidths() throws {
        let models = try TinyModels()
        try models.write("a")
        let wide = try (0..<2).map {
            (name: "model.layers.\($0).mlp.down_proj.weight", buffer: try TinyModels.tensor([3, 2], .f32, 0))
        }
        try models.write("b", more: wide, without: Set(wide.map(\.name)))
        let failure = #expect(throws: Failure.self) {
            try models.plan(
                """
                merge_method: passthrough
                slices:
                  - sources: [{model: $a, layer_range: [0, 2]}]
                  - sources: [{model: $b, layer_range: [1, 2]}]
                """)
        }
        #expect(failure?.code == .modelsIncompatible)
        let text = failure?.description ?? ""
        for part in ["line 4", "model.layers.1.mlp.down_proj.weight of", "[3, 2]", "[2, 2] as model.layers.1"] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test func tellsOfFiltersForNothing() throws {
        let models = try TinyModels()
        for name in ["a", "b"] { try models.write(name) }
        let plan = try models.plan(
            """
            merge_method: linear
            models:
              - {model: $a, parameters: {weight: [{filter: q_proj, value: 1}, {filter: k_proj, value: 2}]}}
              - {model: $b}
            parameters:
              weight: [{filter: "*", value: 1}]
            """)
        #expect(plan.findings.map(\.code) == ["filter-unused"])
        #expect(plan.findings.first?.object?.hasSuffix("line 3") == true)
        #expect(plan.findings.first?.message.contains("k_proj") == true)
    }

    @Test func takesHyphensToo() throws {
        let models = try TinyModels()
        for name in ["a", "b"] { try models.write(name) }
        let plan = try models.plan(
            "merge_method: task-arithmetic\nbase_model: $a\nmodels: [{model: $b}]\nparameters: {weight: 1}")
        #expect(plan.merge("model.norm.weight") != nil)
    }

    @Test func appendsTheBase() throws {
        let models = try TinyModels()
        for name in ["a", "base"] { try models.write(name) }
        let plan = try models.plan(
            "merge_method: linear\nbase_model: $base\nmodels: [{model: $a, parameters: {weight: 2}}]\nparameters: {weight: 1}"
        )
        let merge = plan.merge("model.norm.weight")
        #expect(merge?.base == nil)
        #expect(merge?.inputs.map(\.model) == ["a", "base"].map { models.folder($0) })
        #expect(merge?.inputs.map { $0.values["weight"] } == [2, 1])
    }

    @Test func countsModelsWithoutTheBase() throws {
        let models = try TinyModels()
        for name in ["a", "b", "base"] { try models.write(name) }
        let plan = try models.plan(
            """
            merge_method: dare_ties
            base_model: $base
            models: [{model: $a}, {model: $base}, {model: $b}]
            parameters: {weight: 1, density: 0.5}
            """, seed: 7)
        let merge = plan.merge("model.norm.weight")
        #expect(merge?.inputs.map(\.number) == [0, 1])
        #expect(merge?.base?.model == models.folder("base"))
        #expect(merge?.seed == 7)
    }

    @Test func givesTiedHeadsAnother() throws {
        let models = try TinyModels()
        try models.write("a")
        try models.write("tied", offset: 0.5, without: ["lm_head.weight"])
        let text = "merge_method: linear\nmodels: [{model: $tied}, {model: $a}]\nparameters: {weight: 1}"
        let plan = try models.plan(text)
        let inputs = plan.merge("lm_head.weight")?.inputs ?? []
        #expect(try inputs.map { try floats($0.source).first } == [0.5, 200])
        #expect(try plan.config()?["tie_word_embeddings"] == false)
        #expect(plan.findings.isEmpty)
        try models.write("other", without: ["lm_head.weight"])
        let neither = try models.plan(text.replacing("$a", with: "$other"))
        #expect(!neither.names.contains("lm_head.weight"))
        #expect(try neither.config() == nil)
    }

    @Test func saysWhatModelsLack() throws {
        let models = try TinyModels()
        let norm = "model.norm.weight"
        try models.write("base")
        try models.write("a", without: [norm])
        try models.write("b")
        let plan = try models.plan("merge_method: linear\nmodels: [{model: $a}, {model: $b}]\nparameters: {weight: 1}")
        #expect(plan.merge(norm)?.inputs.map(\.number) == [1])
        #expect(plan.findings.map(\.code) == ["tensor-missing"])
        #expect(plan.findings.map(\.object) == [norm])
        for (method, values) in [("slerp", "{t: 1}"), ("arcee_fusion", "{}"), ("nearswap", "{t: 1}"), ("ties", "{}")] {
            let plan = try models.plan(
                "merge_method: \(method)\nbase_model: $base\nmodels: [{model: $a, parameters: {weight: 1}}]\nparameters: \(values)"
            )
            #expect(plan.copied(norm) != nil, "\(method)")
        }
        let stock = "merge_method: model_stock\nbase_model: $base\nmodels: [{model: $a}, {model: $b}]\n"
        #expect(try models.plan(stock).tensor(norm) == nil)
        for method in ["ties", "nearswap"] {
            let failure = #expect(throws: Failure.self) {
                try models.plan(
                    "merge_method: \(method)\nbase_model: $a\nmodels: [{model: $b}]\nparameters: {weight: 1, t: 1}")
            }
            #expect(failure?.code == .modelsIncompatible)
            #expect(failure?.object == norm)
        }
    }

    @Test func promotesDTypes() throws {
        let models = try TinyModels()
        try models.write("half", dtype: .bf16)
        try models.write("other", dtype: .bf16)
        try models.write("full")
        func dtype(_ a: String, _ b: String, _ more: String = "") throws -> DType? {
            try models.plan(
                "merge_method: linear\nmodels: [{model: $\(a)}, {model: $\(b)}]\nparameters: {weight: 1}\n\(more)"
            )
            .tensor("model.norm.weight")?.dtype
        }
        #expect(try dtype("half", "other") == .bf16)
        #expect(try dtype("half", "full") == .f32)
        #expect(try dtype("half", "full", "dtype: torch.float16") == .f16)
        #expect(try dtype("half", "full", "dtype: float16\nout_dtype: bfloat16") == .bf16)
        let plan = try models.plan(
            "merge_method: linear\nmodels: [{model: $full}, {model: $half}]\nparameters: {weight: 1}\ndtype: bfloat16")
        #expect(try plan.config()?["torch_dtype"] == "bfloat16")
    }

    @Test func comparesWhatIsNoFloat() throws {
        let models = try TinyModels()
        func buffer(_ byte: UInt8) throws -> TensorBuffer {
            try TensorBuffer(dtype: .u8, shape: [3], bytes: [1, 2, byte])
        }
        try models.write("a", more: [("mask", buffer(3))])
        try models.write("b", more: [("mask", buffer(3))])
        try models.write("c", more: [("mask", buffer(4))])
        let text = "merge_method: linear\nmodels: [{model: $a}, {model: $b}]\nparameters: {weight: 1}"
        #expect(try models.plan(text).copied("mask")?.readAll() == [1, 2, 3])
        let failure = #expect(throws: Failure.self) { try models.plan(text.replacing("$b", with: "$c")) }
        #expect(failure?.code == .modelsIncompatible)
        #expect(failure?.object == "mask")
    }

    @Test func refusesShapesAndRanges() throws {
        let models = try TinyModels()
        try models.write("a")
        try models.write("wide", vocabulary: 7)
        let failure = #expect(throws: Failure.self) {
            try models.plan("merge_method: linear\nmodels: [{model: $a}, {model: $wide}]\nparameters: {weight: 1}")
        }
        #expect(failure?.code == .modelsIncompatible)
        #expect(failure?.hints.first?.contains("tokenizer_source") == true)
        let long = #expect(throws: Failure.self) {
            try models.plan(
                "merge_method: passthrough\nslices:\n  - sources:\n      - {model: $a, layer_range: [0, 3]}")
        }
        #expect(long?.object?.hasPrefix("line 4") == true)
        let absent = #expect(throws: Failure.self) { try models.plan("merge_method: linear\nmodels: [{model: $b}]") }
        #expect(absent?.code == .notFound)
        let revision = #expect(throws: Failure.self) {
            try models.plan("merge_method: linear\nmodels: [{model: $a@main}]")
        }
        #expect(revision?.code == .recipeInvalid)
    }
}
