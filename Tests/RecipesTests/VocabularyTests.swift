import DeltaAlgebra
import Diagnostics
import JSON
import Recipes
import Support
import Tensors
import Testing

/// Vocabularies brought together, and the rows that come of it.
@Suite struct VocabularyTests {
    /// Models whose embedding's first column is 10 · model + id, the head's 200 more.
    static func models() throws -> TinyModels {
        let models = try TinyModels()
        try write("base", ["a", "b", "c"], added: [("<s>", 3)], offset: 0, to: models)
        try write("one", ["b", "a", "x"], added: [("<s>", 3), ("<t>", 4)], offset: 10, to: models)
        try write("two", ["a", "b", "x", "y", "beyond"], added: [], offset: 20, rows: 4, to: models)
        return models
    }

    static func write(
        _ name: String, _ tokens: [String], added: [(String, Int)], offset: Float, rows: Int? = nil,
        to models: TinyModels
    ) throws {
        let count = rows ?? tokens.count + added.count
        func table(_ start: Float) throws -> TensorBuffer {
            try TensorBuffer(
                dtype: .f32, shape: [count, 2],
                bytes: (0..<count).flatMap { id in
                    let bits = (start + Float(id)).bitPattern
                    return (0..<2).flatMap { _ in (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) } }
                })
        }
        try models.write(
            name, layers: 1, vocabulary: count, offset: offset,
            more: [("model.embed_tokens.weight", try table(offset)), ("lm_head.weight", try table(offset + 200))],
            without: ["model.embed_tokens.weight", "lm_head.weight"])
        var vocabulary = JSONObject()
        for (id, token) in tokens.enumerated() { vocabulary[token] = JSONValue(id) }
        let entries = added.map { token, id in
            ["id": JSONValue(id), "content": .string(token), "special": true, "normalized": false] as JSONValue
        }
        let tokenizer: JSONValue = [
            "version": "1.0", "added_tokens": .array(entries), "model": ["type": "BPE", "vocab": .object(vocabulary)],
        ]
        try models.folder.write(JSONWriter.bytes(of: tokenizer, .compact), to: "\(name)/tokenizer.json")
        let config: JSONValue = ["added_tokens_decoder": [:], "chat_template": .string(name == "two" ? "{a}" : "{b}")]
        try models.folder.write(JSONWriter.bytes(of: config, .compact), to: "\(name)/tokenizer_config.json")
    }

    static func column(_ source: (any TensorSource)?) throws -> [Float] {
        guard let source else { return [] }
        let all = try floats(source)
        return stride(from: 0, to: all.count, by: 2).map { all[$0] }
    }

    private let start =
        "merge_method: linear\nbase_model: $base\nmodels: [{model: $one}, {model: $two}]\nparameters: {weight: 1}\n"

    @Test func unites() throws {
        let plan = try Self.models().plan(start + "tokenizer_source: union")
        let inputs = plan.merge("model.embed_tokens.weight")?.inputs ?? []
        // a b c <s>, then the ordinary x and y, then the added <t>.
        #expect(try Self.column(inputs[2].source) == [0, 1, 2, 3, 17, 23, 14])
        #expect(try Self.column(inputs[0].source) == [11, 10, 2, 13, 12, 23, 14])
        #expect(try Self.column(inputs[1].source) == [20, 21, 2, 3, 22, 23, 14])
        #expect(plan.tensor("model.embed_tokens.weight")?.dtype == .f32)
        #expect(try Self.column(plan.merge("lm_head.weight")?.inputs[0].source) == [211, 210, 202, 213, 212, 223, 214])
        #expect(try plan.config()?["vocab_size"]?.int == 7)
        let file = try plan.files.written.first { $0.name == "tokenizer.json" }.map { try JSONValue.parse($0.bytes) }
        let added = file?["added_tokens"]?.array ?? []
        #expect(added.compactMap { $0["id"]?.int } == [3, 4, 5, 6])
        #expect(added.compactMap { $0["content"]?.string } == ["<s>", "x", "y", "<t>"])
        #expect(added.last?["special"] == true && added[1]["special"] == false)
        #expect(file?["model"]?["vocab"]?["c"]?.int == 2)
        let config = try plan.files.written.first { $0.name == "tokenizer_config.json" }.map {
            try JSONValue.parse($0.bytes)
        }
        #expect(config?["added_tokens_decoder"]?.object?.keys == ["4", "5", "6"])
    }

    @Test func keepsTheBases() throws {
        let plan = try Self.models().plan(start + "tokenizer_source: base")
        let inputs = plan.merge("model.embed_tokens.weight")?.inputs ?? []
        #expect(try inputs.map { try Self.column($0.source) } == [[11, 10, 2, 13], [20, 21, 2, 3], [0, 1, 2, 3]])
        #expect(!plan.files.written.contains { $0.name == "tokenizer.json" })
        #expect(plan.files.copied == ["tokenizer.json", "tokenizer_config.json"])
    }

    @Test func takesAnother() throws {
        let plan = try Self.models().plan(start + "tokenizer_source: $two")
        let inputs = plan.merge("model.embed_tokens.weight")?.inputs ?? []
        #expect(try Self.column(inputs[2].source) == [0, 1, 17, 23])
        let records = ["mergekit_config.yml", "tenon_lineage.json"]
        #expect(
            plan.files.written.map(\.name).filter { !records.contains($0) }
                == ["tokenizer.json", "tokenizer_config.json", "config.json"])
        #expect(plan.files.copied.isEmpty)
    }

    @Test func obeysTokens() throws {
        let plan = try Self.models().plan(
            start + """
                tokenizer:
                  source: base
                  pad_to_multiple_of: 4
                  tokens:
                    "<t>": {source: $one}
                    b: {source: {kind: model_token, model: $two, token: y}, force: true}
                    c: {source: {kind: zero}}
                    a: {source: {kind: model_token, model: $one, token_id: 4}}
                """)
        let inputs = plan.merge("model.embed_tokens.weight")?.inputs ?? []
        #expect(try Self.column(inputs[2].source) == [0, 23, 2, 3, 14, 8.4, 8.4, 8.4])
        #expect(try Self.column(inputs[0].source).prefix(5) == [11, 23, 0, 13, 14])
        #expect(try plan.config()?["vocab_size"]?.int == 8)
        let failure = #expect(throws: Failure.self) {
            try Self.models().plan(start + "tokenizer: {source: base, tokens: {q: {source: $one}}}")
        }
        #expect(failure?.object == "line 5: q")
    }

    @Test func readsInPieces() throws {
        let plan = try Self.models().plan(start + "tokenizer: {source: union, pad_to_multiple_of: 4}")
        for input in plan.merge("model.embed_tokens.weight")?.inputs ?? [] {
            let whole = try input.source.readAll()
            for size in [1, 3, 8, 20] {
                var pieces: [UInt8] = []
                for offset in stride(from: 0, to: whole.count, by: size) {
                    pieces += try input.source.read(at: offset, count: min(size, whole.count - offset))
                }
                #expect(pieces == whole)
            }
        }
    }

    @Test func choosesTheTemplate() throws {
        let models = try Self.models()
        for (text, template) in [("auto", "{b}"), ("'{{ x }}'", "{{ x }}")] {
            let plan = try models.plan(start + "tokenizer_source: base\nchat_template: \(text)")
            let config = try plan.files.written.first { $0.name == "tokenizer_config.json" }.map {
                try JSONValue.parse($0.bytes)
            }
            #expect(config?["chat_template"]?.string == template)
        }
    }

    @Test func needsTokenizers() throws {
        let models = try Self.models()
        try models.write("bare", layers: 1, vocabulary: 4)
        let failure = #expect(throws: Failure.self) {
            try models.plan(start.replacing("$two", with: "$bare") + "tokenizer_source: union")
        }
        #expect(failure?.code == .tokenizerUnsupported)
    }
}
