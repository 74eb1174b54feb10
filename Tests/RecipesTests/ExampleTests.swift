import DeltaAlgebra
import Recipes
import Support
import Tensors
import Testing

/// Recipes of the kinds that people write.
@Suite struct ExampleTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let layers: Int
        let text: String

        var testDescription: String { name }
    }

    static let examples = [
        Example(
            name: "soup", layers: 4,
            text: """
                models:
                  - model: $a
                    parameters:
                      weight: 1.0
                  - model: $b
                    parameters:
                      weight: 0.3
                  - model: $c
                    parameters:
                      weight: 0.5
                merge_method: linear
                dtype: float16
                """),
        Example(
            name: "gradient slerp", layers: 4,
            text: """
                slices:
                  - sources:
                      - model: $a
                        layer_range: [0, 4]
                      - model: $b
                        layer_range: [0, 4]
                merge_method: slerp
                base_model: $a
                parameters:
                  t:
                    - filter: self_attn
                      value: [0, 0.5, 0.3, 0.7, 1]
                    - filter: mlp
                      value: [1, 0.5, 0.7, 0.3, 0]
                    - value: 0.5 # everything else
                dtype: bfloat16
                """),
        Example(
            name: "ties", layers: 4,
            text: """
                models:
                  - model: $base
                    # no parameters necessary for base model
                  - model: $a
                    parameters:
                      density: [1, 0.7, 0.1] # density gradient
                      weight: 1.0
                  - model: $b
                    parameters:
                      density: 0.5
                      weight: [0, 0.3, 0.7, 1] # weight gradient
                  - model: $c
                    parameters:
                      density: 0.33
                      weight:
                        - filter: mlp
                          value: 0.5
                        - value: 0
                merge_method: ties
                base_model: $base
                parameters:
                  normalize: true
                  int8_mask: true
                dtype: float16
                """),
        Example(
            name: "dare", layers: 4,
            text: """
                merge_method: dare_ties
                base_model:
                  model:
                    path: $base
                models:
                  - model: {model: {path: $a}}
                    parameters: {weight: 0.4, density: 0.53}
                  - model: $b
                    parameters: {weight: 3e-1, density: .66}
                dtype: bfloat16
                """),
        Example(
            name: "frankenmerge", layers: 7,
            text: """
                slices:
                - sources:
                  - model: $a
                    layer_range: [0, 3]
                - sources:
                  - model: $b
                    layer_range: [1, 4]
                - sources:
                  - {model: "$a", layer_range: [3, 4]}
                merge_method: passthrough
                dtype: float16
                """),
        Example(
            name: "model stock", layers: 4,
            text: """
                models:
                    - model: $a
                    - model: $b
                    - model: $c
                base_model: $base
                merge_method: model_stock
                parameters:
                  filter_wise: false
                dtype: bfloat16
                """),
        Example(
            name: "task arithmetic", layers: 4,
            text: """
                base_model: $base
                dtype: torch.float32
                merge_method: task_arithmetic
                models:
                - {model: $a, parameters: {weight: 0.75}}
                - {model: $b, parameters: {weight: -0.25}}
                parameters: {lambda: 1.1}
                """),
        Example(
            name: "della", layers: 4,
            text: """
                merge_method: della
                base_model: $base
                models:
                  - model: $a
                    parameters: {density: 0.7, weight: 0.5, epsilon: 0.05}
                  - model: $b
                    parameters: {density: 0.6, weight: 0.5, epsilon: 0.1}
                parameters: {lambda: 1.0, normalize: false, rescale: on}
                out_dtype: bfloat16
                """),
        Example(
            name: "breadcrumbs", layers: 4,
            text: """
                merge_method: breadcrumbs_ties
                base_model: $base
                models:
                  - &params
                    model: $a
                    parameters: {weight: 1, density: 0.9, gamma: "1e-2"}
                  - <<: *params
                    model: $b
                dtype: bfloat16
                """),
        Example(
            name: "nuslerp", layers: 4,
            text: """
                models:
                  - model: $a
                    parameters:
                      weight: [0, 0, 1]
                  - model: $b
                    parameters: {weight: 0.5}
                merge_method: nuslerp
                parameters:
                  nuslerp_flatten: false
                  nuslerp_row_wise: yes
                chat_template: auto
                """),
        Example(
            name: "sce", layers: 4,
            text: """
                merge_method: sce
                models: [{model: $a}, {model: $b}, {model: $c}]
                base_model: $base
                parameters: {select_topk: 0.1}
                """),
        Example(
            name: "karcher", layers: 4,
            text: """
                models:
                - model: $a
                - model: $b
                - model: $c
                merge_method: karcher
                parameters: {max_iter: 100, tol: 1e-9}
                dtype: bfloat16
                """),
        Example(
            name: "fusion", layers: 4,
            text: "merge_method: arcee_fusion\nbase_model: $base\nmodels:\n- model: $a\ntokenizer_source: null\n"),
        Example(
            name: "slices with parameters", layers: 4,
            text: """
                slices:
                  - sources:
                      - model: $base
                        layer_range: [0, 2]
                      - model: $a
                        layer_range: [0, 2]
                        parameters: {weight: 0.2, density: 0.5}
                    parameters: {normalize: true}
                  - sources:
                      - {model: $base, layer_range: [2, 4]}
                      - {model: $b, layer_range: [2, 4], parameters: {weight: 0.8}}
                merge_method: ties
                base_model: $base
                parameters: {density: 0.3}
                dtype: bfloat16
                """),
        Example(
            name: "mirrored layers", layers: 6,
            text: """
                slices:
                - sources: [{model: $a, layer_range: [0, 4]}]
                - sources:
                  - model: $a
                    layer_range: [2, 4]
                    parameters:
                      scale:
                        - filter: q_proj
                          value: 0.7071067812
                        - filter: down_proj
                          value: 0.0
                        - value: 1.0
                merge_method: passthrough
                dtype: bfloat16
                """),
    ]

    @Test(arguments: examples) func plans(_ example: Example) throws {
        let models = try TinyModels()
        for (index, name) in ["base", "a", "b", "c"].enumerated() {
            try models.write(name, layers: 4, dtype: .bf16, offset: Float(index))
        }
        let plan = try models.plan(example.text)
        #expect(plan.tensors.count == 2 * example.layers + 3)
        #expect(plan.names == plan.names.sorted())
        #expect(plan.findings.isEmpty, "\(plan.findings)")
        #expect(
            plan.files.copied.isEmpty
                && plan.files.written.map(\.name)
                    == ["mergekit_config.yml", "tenon_lineage.json", "config.json"]
        )
    }

    @Test func areMany() { #expect(Self.examples.count >= 14) }
}
