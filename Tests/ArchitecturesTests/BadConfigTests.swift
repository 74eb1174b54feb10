import Architectures
import Diagnostics
import Files
import JSON
import Support
import Testing

/// Configs that say too little, too much or nonsense: each ends in a failure that names the key, never in a trap.
@Suite("Configs that are wrong")
struct BadConfigTests {
    private static let models = [
        "llama-7b", "qwen2-7b", "gpt2", "bert-base", "roberta-base", "t5-base", "mt0-large", "bloom-560m", "falcon-7b",
        "chatglm-6b", "chatglm2-6b", "distilbert-base", "deberta-v3-base", "deberta-v2-xxlarge",
    ]
    private static let values: [JSONValue] = [
        nil, 0, -1, 1, 3, 7, .number(JSONNumber(Int.max)), .number(JSONNumber(1 << 31)), .number(JSONNumber(1 << 20)),
        .number(JSONNumber(4096)), 0.5, 1e300, "768", true, false, [], [1], ["a": 1], "",
    ]

    @Test("any value under any key is counted or refused", arguments: models)
    func anyValue(model: String) throws {
        let config = try ConfigFixtures.config(model)
        for key in config.keys where key != "model_type" {
            for value in Self.values {
                var changed = config
                changed[key] = value
                check(changed, "\(key): \(value)")
                changed[key] = nil
                check(changed, "no \(key)")
            }
        }
    }

    private func check(_ config: JSONObject, _ what: String) {
        do throws(Failure) {
            _ = try Architecture(.object(config)).parameterCount()
        } catch {
            #expect([.configInvalid, .unknownArchitecture, .shapeOverflow].contains(error.code), "\(what): \(error)")
        }
    }

    @Test("all sizes at their limits")
    func largest() throws {
        for model in Self.models {
            var config = try ConfigFixtures.config(model)
            for key in config.keys where config[key]?.int != nil {
                config[key] = .number(
                    JSONNumber(key.contains("layer") || key == "num_hidden_layers" ? 1 << 8 : 1 << 20))
            }
            check(config, model)
        }
    }

    @Test(
        "heads that do not divide what they share",
        arguments: [
            ("llama-7b", ["num_attention_heads": 7]), ("llama-7b", ["num_key_value_heads": 5]),
            ("qwen2-7b", ["num_attention_heads": 8192]), ("gpt2", ["n_head": 7]),
            ("bert-base", ["num_attention_heads": 7]),
            ("bloom-560m", ["n_head": 7]), ("falcon-7b", ["num_attention_heads": 7]),
            ("falcon-7b", ["new_decoder_architecture": true, "num_kv_heads": 3]),
            ("chatglm-6b", ["num_attention_heads": 7]),
            ("chatglm2-6b", ["num_attention_heads": 7, "kv_channels": nil]),
            ("chatglm2-6b", ["multi_query_group_num": 5]), ("deberta-v3-base", ["num_attention_heads": 7]),
        ] as [(String, [String: JSONValue])])
    func heads(model: String, changes: [String: JSONValue]) throws {
        var config = try ConfigFixtures.config(model)
        for (key, value) in changes { config[key] = value }
        let failure = #expect(throws: Failure.self) { try Architecture(.object(config)) }
        #expect(
            failure?.code == .configInvalid && failure?.what.contains("cannot share") == true, "\(model) \(changes)")
    }

    @Test("an unknown type is named, with those that are known")
    func unknown() {
        let failure = #expect(throws: Failure.self) { try Architecture(["model_type": "mixtral"]) }
        #expect(failure?.code == .unknownArchitecture)
        let text = failure?.description ?? ""
        #expect(text.contains("mixtral") && text.contains("llama") && text.contains("deberta-v2"))
        for config in [[:], ["model_type": 7], nil, [], "llama"] as [JSONValue] {
            #expect(throws: Failure.self) { try Architecture(config) }
        }
    }

    @Test("a head that a family has not")
    func head() throws {
        let failure = #expect(throws: Failure.self) { try ConfigFixtures.architecture("bert-base", head: .lm) }
        #expect(failure?.code == .usage)
        #expect(failure?.path == nil)
    }

    @Test("folders and files that are none")
    func files() throws {
        let place = try TemporaryFolder()
        func code(_ path: String) -> Failure.Code? {
            #expect(throws: Failure.self) { try Architecture(path: place(path)) }?.code
        }
        #expect(code("nothing") == .notFound)
        try Folder.make(place("empty"))
        #expect(code("empty") == .configMissing)
        try place.write(Array("{\"model_type\": \"llama\"".utf8), to: "cut.json")
        #expect(code("cut.json") == .jsonSyntax)
        try place.write(Array("{\"model_type\":\"llama\",\"model_type\":\"gpt2\"}".utf8), to: "twice.json")
        #expect(code("twice.json") == .jsonDuplicate)
        try place.write([UInt8](repeating: 0x20, count: 5 << 20), to: "long.json")
        #expect(code("long.json") == .jsonLimit)
    }
}
