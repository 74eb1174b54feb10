import DeltaAlgebra
import Diagnostics
import JSON
import Recipes
import Support
import Tensors
import Testing

/// Adapters where models may stand.
@Suite struct AdapterModelTests {
    /// A base in bf16 and a LoRA of rank 1 with s = 2, A = [1, 2], B = [3; 4] on one matrix.
    static func models() throws -> TinyModels {
        let models = try TinyModels()
        try models.write("base", dtype: .bf16)
        try models.write("other", dtype: .bf16)
        let config: JSONValue = [
            "peft_type": "LORA", "r": 1, "lora_alpha": 2, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM",
        ]
        let key = "base_model.model.model.layers.0.self_attn.q_proj"
        try models.write(
            [
                ("\(key).lora_A.weight", try TinyModels.tensor([1, 2], .f32, 1)),
                ("\(key).lora_B.weight", try TinyModels.tensor([2, 1], .f32, 3)),
            ], to: "adapter", file: "adapter_model.safetensors")
        try models.folder.write(JSONWriter.bytes(of: config, .compact), to: "adapter/adapter_config.json")
        return models
    }

    static let changed = "model.layers.0.self_attn.q_proj.weight"

    @Test(arguments: ["$base+$adapter", "{model: {path: $base}, lora: {path: $adapter}}", "$adapter"])
    func areAppliedUnrounded(_ model: String) throws {
        let plan = try Self.models().plan(
            "merge_method: linear\nbase_model: $base\nmodels: [{model: \(model)}, {model: $other}]\nparameters: {weight: 1}"
        )
        let input = try #require(plan.merge(Self.changed)?.inputs.first)
        #expect(input.source.dtype == .f32)
        // All elements of the base are 1000 in bf16.
        #expect(try floats(input.source) == [1006, 1012, 1008, 1016])
        #expect(plan.tensor(Self.changed)?.dtype == .bf16)
        let untouched = plan.merge("model.layers.1.self_attn.q_proj.weight")?.inputs.first?.source
        #expect(untouched?.dtype == .bf16)
        #expect(plan.models.map(\.adapters.count).sorted() == [0, 0, 1])
    }

    @Test func needABase() throws {
        for model in ["$adapter", "$adapter+$adapter"] {
            let failure = #expect(throws: Failure.self) {
                try Self.models().plan("merge_method: linear\nmodels: [{model: \(model)}]\nparameters: {weight: 1}")
            }
            #expect(failure?.code == .recipeInvalid)
        }
    }

    @Test func mustFit() throws {
        let models = try Self.models()
        try models.write("small", without: [Self.changed])
        let failure = #expect(throws: Failure.self) {
            try models.plan("merge_method: linear\nmodels: [{model: $small+$adapter}]\nparameters: {weight: 1}")
        }
        #expect(failure?.code == .baseIncompatible)
    }
}
