import Files
import JSON
import Support
import Testing

@Suite("Training on conversations")
struct TrainChatTests {
    private static let template =
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>{% endif %}"

    /// A base that reads text and has a chat template, and two conversations.
    private func chatBase(_ body: (TemporaryFolder, [String]) throws -> Void) throws {
        try inFolder { place in
            let base = place("base")
            try copyFolder(TrainingPlace.base(), to: base)
            let tensors = try Models.weights(base).tensors.map { name, tensor in
                let isTable = name.hasSuffix("embed_tokens.weight") || name == "lm_head.weight"
                return (name, isTable ? tensor.resized(rows: 512) : tensor)
            }
            try Models.write(tensors, to: base + "/model.safetensors")
            let config = String(decoding: try contents(of: base + "/config.json"), as: UTF8.self)
            try writeFile(
                Array(config.replacing("\"vocab_size\": 97", with: "\"vocab_size\": 512").utf8),
                to: base + "/config.json")
            let tokenizer = Paths.joined(Fixtures.root, "training/bpe/llama3/tokenizer.json")
            try writeFile(contents(of: tokenizer), to: base + "/tokenizer.json")
            let tokens: JSONValue = ["chat_template": .string(Self.template)]
            try writeFile(JSONWriter.bytes(of: tokens, .compact), to: base + "/tokenizer_config.json")
            let turns = [("user", "Hi"), ("assistant", "Ho"), ("user", "So?"), ("assistant", "Yes.")]
            let lines = [turns, Array(turns.prefix(2))].map { turns in
                let messages = turns.map { #"{"role":"\#($0)","content":"\#($1)"}"# }
                return "{\"messages\":[\(messages.joined(separator: ","))]}\n"
            }
            try place.write(Array(lines.joined().utf8), to: "chat.jsonl")
            let arguments = ["--base", base, "--data", place("chat.jsonl")]
            try body(place, arguments)
        }
    }

    @Test("an adapter learns answers alone, says so, and can be trained again")
    func masked() throws {
        try chatBase { place, common in
            let train = ["train"] + common + ["--iters", "6", "--learning-rate", "1e-2", "--quiet"]
            try succeed(train + ["-o", place("all.tenon")])
            try succeed(train + ["-o", place("x.tenon"), "--mask-prompt"])
            try succeed(train + ["-o", place("y.tenon"), "--mask-prompt", "--chat-template", "chatml"])
            let files = try ["all", "x", "y"].map { try contents(of: place("\($0).tenon")) }
            #expect(files[0] != files[1] && files[1] != files[2])
            for name in ["all", "x", "y"] {
                try succeed(["verify", place("\(name).tenon"), "--retrain"] + common)
            }
            func tokens(_ more: [String]) throws -> Int {
                let run = try succeed(["eval", place("x.tenon")] + common + more + ["--json"])
                return try #require(try document(run)["tokens"]?.int)
            }
            // As it learned, unless something else is said.
            #expect(try tokens(["--mask-prompt"]) == tokens([]))
            #expect(try tokens([]) < tokens(["--no-mask-prompt"]))
        }
    }

    @Test("what is wrong with a template is told before anything is trained")
    func refusals() throws {
        try chatBase { place, common in
            let train = ["train"] + common + ["-o", place("x.tenon"), "--iters", "2", "--quiet"]
            let unknown = try runTool(train + ["--chat-template", "no-such"])
            #expect(unknown.status == 64 && unknown.errors.contains("chatml, llama2, llama3, mistral, alpaca"))
            try place.write(Array("\n{{ messages | groupby('role') }}".utf8), to: "t.jinja")
            let named = try runTool(train + ["--chat-template", place("t.jinja")])
            #expect(named.status == 65 && named.errors.contains("groupby") && named.errors.contains("line 2"))
            let config: JSONValue = ["chat_template": "{% for m in messages %}"]
            try writeFile(JSONWriter.bytes(of: config, .compact), to: place("base/tokenizer_config.json"))
            try expectFailure(65, "template-invalid", train)
            try writeFile(Array("{}".utf8), to: place("base/tokenizer_config.json"))
            let none = try runTool(train)
            #expect(none.status == 65 && none.errors.contains("hint: --chat-template names one"))
            try place.write(Array("{{ messages[0].content }}".utf8), to: "t.jinja")
            try succeed(train + ["--chat-template", place("t.jinja")])
        }
    }
}
