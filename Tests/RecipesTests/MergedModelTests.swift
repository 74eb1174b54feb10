import Checkpoints
import DeltaAlgebra
import Diagnostics
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
        #expect(merged.companions == ["config.json", "tokenizer.json", "tokenizer_config.json"])
        let config = try JSONValue.parse(contents(of: models.folder("out/config.json")))
        #expect(config["vocab_size"]?.int == 6)
    }
}
