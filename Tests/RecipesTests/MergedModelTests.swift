import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import JSON
import Parallelism
import Recipes
import Support
import Tensors
import Testing

/// Recipes run to the end.
@Suite struct MergedModelTests {
    @Test func writesAModel() throws {
        let models = try VocabularyTests.models()
        let plan = try models.plan(
            """
            merge_method: linear
            base_model: $base
            models: [{model: $one, parameters: {weight: 3}}]
            parameters: {weight: 1}
            tokenizer_source: union
            """)
        _ = try MergeJob(lanes: Lanes(count: 2)).run(plan, to: models.folder("out"))
        let merged = try Checkpoint(path: models.folder("out"))
        let embedding = try #require(merged["model.embed_tokens.weight"]?.source)
        // a, b, c, <s>, x, <t>: (3 · one + base)/4; of the last three tokens but <s> one model has the row.
        #expect(try VocabularyTests.column(embedding) == [8.25, 7.75, 2, 10.5, 12, 14])
        #expect(
            merged.companions == [
                "config.json", "mergekit_config.yml", "tenon_lineage.json", "tokenizer.json", "tokenizer_config.json",
            ])
        let config = try JSONValue.parse(contents(of: models.folder("out/config.json")))
        #expect(config["vocab_size"]?.int == 6)
    }

    /// Elements of F64 are rounded once: to fp32 to be merged, to the result's dtype to be copied.
    @Test func takesDoubles() throws {
        let models = try TinyModels()
        // To bf16 the last would go down by way of the nearest fp32, which is a tie.
        let values = [1 + 0x1p-30, -0.1, 1 + 0x1p-8 + 0x1p-40]
        for name in ["a", "b"] {
            let bytes = values.flatMap { value in
                (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
            }
            try models.write([("w", try TensorBuffer(dtype: .f64, shape: [3], bytes: bytes))], to: name)
        }
        func result(_ recipe: String) throws -> (any TensorSource)? {
            _ = try MergeJob(lanes: Lanes(count: 1)).run(try models.plan(recipe), to: models.folder("out"))
            let source = try Checkpoint(path: models.folder("out"))["w"]?.source
            try Folder.remove(models.folder("out"))
            return source
        }
        let merged = try #require(
            try result("merge_method: linear\nmodels: [{model: $a}, {model: $b}]\nparameters: {weight: 1}"))
        #expect(merged.dtype == .f32)
        #expect(try floats(merged) == values.map(Float.init))
        let copied = try #require(
            try result(
                "merge_method: passthrough\nmodels: [{model: $a}]\ndtype: bfloat16"))
        #expect(copied.dtype == .bf16)
        #expect(try copied.readAll().suffix(2) == [0x81, 0x3F])
        #expect(try result("merge_method: passthrough\nmodels: [{model: $a}]")?.dtype == .f64)
    }
}
