import DeltaAlgebra
import Diagnostics
import Recipes
import Support
import Testing

/// Which value counts for a tensor, worked out by hand from `Spec/merge.md`.
@Suite struct ParameterTests {
    @Test func interpolatesGradients() throws {
        let models = try TinyModels()
        try models.write("a", layers: 5)
        try models.write("b", layers: 5, offset: 1)
        let plan = try models.plan(
            """
            merge_method: slerp
            base_model: $a
            models: [{model: $a}, {model: $b}]
            parameters:
              t:
                - filter: self_attn
                  value: [0, 1, "5e-1"]
                - filter: model.layers.3.mlp
                  value: 0.125
                - value: [0.25, 0.75]
            """)
        let attention = (0..<5).map { plan.merge("model.layers.\($0).self_attn.q_proj.weight")?.values["t"] }
        #expect(attention == [0, 0.5, 1, 0.75, 0.5])
        let mlp = (0..<5).map { plan.merge("model.layers.\($0).mlp.down_proj.weight")?.values["t"] }
        #expect(mlp == [0.25, 0.375, 0.5, 0.125, 0.75])
        for name in ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"] {
            #expect(plan.merge(name)?.values["t"] == 0.25, "loose tensors take the first value")
        }
        #expect(plan.merge("lm_head.weight")?.base?.model == models.folder("a"))
        #expect(plan.merge("lm_head.weight")?.inputs.map(\.model) == [models.folder("b")])
    }

    @Test func looksAtModelThenSliceThenRecipe() throws {
        let models = try TinyModels()
        for (index, name) in ["a", "b"].enumerated() { try models.write(name, layers: 3, offset: Float(index)) }
        let plan = try models.plan(
            """
            merge_method: linear
            slices:
              - sources:
                  - model: $a
                    layer_range: [0, 2]
                    parameters: {weight: {filter: layers.1., value: 7}}
                  - {model: $b, layer_range: [1, 3], parameters: {weight: [{filter: layers.1., value: 8}, {filter: norm, value: 9}]}}
                parameters: {weight: {filter: mlp, value: 2}}
              - sources: [{model: $a, layer_range: [2, 3]}, {model: $b, layer_range: [0, 1], parameters: {weight: []}}]
                parameters: {normalize: no}
            parameters: {weight: [1, 3], normalize: [true, false]}
            """)
        func weights(_ name: String) -> [Double?] { plan.merge(name)?.inputs.map { $0.values["weight"] } ?? [] }
        // The first slice's own layer 1 of $a is its second, that of $b its first: filters see the model's names.
        #expect(weights("model.layers.0.self_attn.q_proj.weight") == [1, 8])
        #expect(weights("model.layers.1.self_attn.q_proj.weight") == [7, 3])
        #expect(weights("model.layers.0.mlp.down_proj.weight") == [2, 8])
        #expect(weights("model.layers.1.mlp.down_proj.weight") == [7, 2])
        // The only layer of a slice is its last.
        #expect(weights("model.layers.2.mlp.down_proj.weight") == [3, 3])
        #expect(weights("model.norm.weight") == [1, 1])
        #expect(plan.merge("model.layers.0.mlp.down_proj.weight")?.values["normalize"] == 1)
        #expect(plan.merge("model.layers.1.mlp.down_proj.weight")?.values["normalize"] == 0)
        #expect(plan.merge("model.norm.weight")?.values["normalize"] == 0)
        #expect(plan.names.count == 3 * 2 + 3)
    }

    @Test func readsScalarsAsPyYAML() throws {
        let models = try TinyModels()
        try models.write("a")
        try models.write("b")
        for (text, value) in [
            ("1e-1", 0.1), ("1.5e+1", 15), ("0x10", 16), ("010", 8), ("0b11", 3), ("1_000", 1000), ("+.5", 0.5),
            ("'0.25'", 0.25), ("-2", -2), ("4.", 4),
        ] {
            let plan = try models.plan(
                "merge_method: linear\nmodels: [{model: $a, parameters: {weight: \(text)}}, {model: $b, parameters: {weight: 3}}]"
            )
            #expect(plan.merge("model.norm.weight")?.inputs.first?.values["weight"] == value, "\(text)")
        }
        for (text, value) in [("yes", 1.0), ("Off", 0), ("true", 1), ("0", 0)] {
            let plan = try models.plan(
                """
                merge_method: linear
                models: [{model: $a}, {model: $b}]
                parameters: {weight: 1, normalize: \(text)}
                """)
            #expect(plan.merge("model.norm.weight")?.values["normalize"] == value, "\(text)")
        }
    }

    @Test func resolvesAliasesAndMergeKeys() throws {
        let models = try TinyModels()
        for name in ["a", "b", "c"] { try models.write(name) }
        let plan = try models.plan(
            """
            merge_method: linear
            models:
              - &first
                model: $a
                parameters: &heavy {weight: 2}
              - model: $b
                parameters: *heavy
              - <<: *first
                model: $c
                parameters: {<<: [{weight: 5}, *heavy]}
            """)
        #expect(plan.merge("model.norm.weight")?.inputs.map { $0.values["weight"] } == [2, 2, 5])
    }

    @Test func namesWhatMeansNothing() throws {
        let recipe = try Recipe(
            """
            merge_method: ties
            base_model: a
            models:
              - {model: b, parameters: {weight: 1, lambda: 2}}
            parameters: {t: 1, int8_mask: true}
            """, path: "r.yml")
        #expect(recipe.findings.compactMap(\.object).sorted() == ["r.yml, line 4", "r.yml, line 5"])
        #expect(recipe.findings.allSatisfy { $0.message.hasSuffix("means nothing") })
    }

    @Test(arguments: [
        ("density: .5, weight: 1, gamma: 2", "breadcrumbs", "line 3: gamma"),
        ("density: .5", "ties", "model.embed_tokens.weight of "),
        ("density: .1, weight: 1, epsilon: 0.2", "della", "density and epsilon"),
    ]) func refusesValues(_ values: String, _ method: String, _ word: String) throws {
        let models = try TinyModels()
        try models.write("a")
        try models.write("b")
        let failure = #expect(throws: Failure.self) {
            try models.plan("merge_method: \(method)\nbase_model: $a\nmodels: [{model: $b, parameters: {\(values)}}]")
        }
        #expect(failure?.code == .recipeInvalid)
        // The embedding is the first by name but for the head.
        let text = "\(failure.map { "\($0)" } ?? "")".replacing("lm_head", with: "model.embed_tokens")
        #expect(text.contains(word), "\(text)")
    }
}
