import Architectures
import Diagnostics
import JSON
import Testing

/// What of a config decides whether a model can be trained.
@Suite struct NetworkConfigTests {
    private static func config(_ changes: [String: JSONValue]) -> JSONValue {
        var members = JSONObject()
        let standard: [(String, JSONValue)] = [
            ("model_type", "roberta"), ("architectures", ["RobertaForSequenceClassification"]), ("vocab_size", 97),
            ("hidden_size", 24), ("num_hidden_layers", 2), ("num_attention_heads", 3), ("intermediate_size", 40),
            ("max_position_embeddings", 40), ("type_vocab_size", 1),
        ]
        for (key, value) in standard { members[key] = value }
        for (key, value) in changes { members[key] = value }
        return .object(members)
    }

    @Test(
        "RoBERTa's rows are as long as there are positions behind that of the padding", arguments: [(1, 38), (2, 37)])
    func positions(_ padding: Int, _ length: Int) throws {
        #expect(try NetworkArchitecture(Self.config(["pad_token_id": JSONValue(padding)])).maximumLength == length)
    }

    static let refused: [(String, JSONValue, Failure.Code)] = [
        ("pad_token_id", JSONValue(Int.max), .configInvalid),
        ("pad_token_id", -7, .configInvalid), ("num_labels", 100_000, .usage),
        ("problem_type", "multi_label_classification", .unknownArchitecture),
    ]

    @Test("what cannot be is refused by name", arguments: refused)
    func refusals(_ key: String, _ value: JSONValue, _ code: Failure.Code) {
        let failure = #expect(throws: Failure.self) { try NetworkArchitecture(Self.config([key: value])) }
        #expect(failure?.code == code && failure?.object == key)
    }

    @Test("there is a position behind that of the padding")
    func noPosition() {
        let failure = #expect(throws: Failure.self) { try NetworkArchitecture(Self.config(["pad_token_id": 39])) }
        #expect(failure?.code == .configInvalid && failure?.object == "max_position_embeddings")
    }

    @Test func names() throws {
        let named = Self.config(["id2label": ["0": "bad", "1": "good"]])
        #expect(try NetworkArchitecture(named).classNames == ["bad", "good"])
        #expect(try NetworkArchitecture(named, task: .masked).classNames == nil)
        #expect(try NetworkArchitecture(Self.config([:])).classNames == nil)
    }
}
