import Files
import JSON
import Support
import Testing

@Suite("Generating texts")
struct GenerateTests {
    private func ids(_ document: JSONValue?) -> [Int] { (document?["ids"]?.array ?? []).compactMap(\.int) }

    @Test("gives what transformers gives, to people and scripts", arguments: GenerationPlace.goldens)
    func golden(one: GenerationPlace.Golden) throws {
        #expect(try succeed(one.command).output == one.text + (one.text.hasSuffix("\n") ? "" : "\n"))
        let run = try succeed(one.command + ["--json"])
        let document = try document(run)
        #expect(
            document.object?.keys == ["text", "ids", "promptTokens", "tokens", "finish", "tokensPerSecond"])
        #expect(ids(document) == one.ids && document["text"]?.string == one.text)
        #expect(document["promptTokens"]?.int == one.promptTokens && document["tokens"]?.int == one.ids.count)
        #expect(document["finish"]?.string == "length" && document["tokensPerSecond"]?.double ?? 0 > 0)
    }

    @Test("takes containers by the names of their files, and prompts from stdin")
    func containers() throws {
        let one = try GenerationPlace.golden("llama-lora")
        try inFolder { place in
            try succeed([
                "pack", GenerationPlace.adapter("llama-first"), "-o", place("a=b@2.tenon"), "--quiet", "--base",
                GenerationPlace.base(),
            ])
            let common = [
                "generate", "--base", GenerationPlace.base(), "--adapter", place("a=b@2.tenon"), "--max-tokens", "48",
            ]
            #expect(try succeed(common + ["--prompt", one.prompt]).output.hasPrefix(one.text))
            for input in [one.prompt, one.prompt + "\n"] {
                let run = try runTool(common + ["--prompt", "-"], stdin: Array(input.utf8))
                #expect(run.status == 0 && run.errors == "" && run.output.hasPrefix(one.text))
            }
            try expectFailure(64, "usage", common + ["--prompt", "-"], stdin: [0x41, 0xFF])
            try place.write(
                Array("{\"prompt\":\"\(one.prompt)\",\"adapter\":\"a=b@2\"}\n".utf8), to: "batch.jsonl")
            let line = try JSONValue.parse(
                try succeed(common + ["--batch", place("batch.jsonl")]).standardOutput.dropLast())
            #expect(ids(line) == one.ids)
            let with = ["--adapter", place("a=b@2.tenon"), "--prompt", "A"]
            try expectFailure(65, "base-incompatible", ["generate", "--base", GenerationPlace.base("mistral")] + with)
            try copyFolder(GenerationPlace.base(), to: place("other"))
            var weights = try contents(of: place("other/model.safetensors"))
            for place in stride(from: weights.count / 4, to: weights.count, by: 499) { weights[place] ^= 1 }
            try place.write(weights, to: "other/model.safetensors")
            try expectFailure(65, "base-mismatch", ["generate", "--base", place("other")] + with)
        }
    }

    @Test("ends before a text, and draws the same with a seed on any number of threads")
    func options() throws {
        let one = try GenerationPlace.golden("llama")
        let characters = Array(one.text)
        let stop = String(characters[10..<14])
        let stopped = try document(try succeed(one.command + ["--stop", stop, "--stop", "no such", "--json"]))
        #expect(stopped["finish"]?.string == "stop")
        let end = try #require(one.text.firstRange(of: stop)?.lowerBound)
        #expect(stopped["text"]?.string == String(one.text[..<end]))
        let draw = one.command + ["--temperature", "1.2", "--top-k", "40", "--top-p", "0.9"]
        let first = try succeed(draw + ["--seed", "5", "--threads", "1"]).output
        for threads in ["2", "4"] {
            #expect(try succeed(draw + ["--seed", "5", "--threads", threads]).output == first)
        }
        #expect(try succeed(draw + ["--seed", "6"]).output != first)
        #expect(try succeed(one.command + ["--temperature", "0", "--seed", "6"]).output.hasPrefix(one.text))
    }

    @Test("a batch gives of each line what it gives alone, in their order")
    func batch() throws {
        let one = try GenerationPlace.golden("llama-two")
        try inFolder { place in
            let lines = [
                #"{"id":"a","prompt":"\#(one.prompt)","max_tokens":48}"#,
                #"{"id":7,"prompt":"Once","adapter":"llama-second","seed":3,"temperature":0.7}"#,
                "", #"{"prompt":"\#(one.prompt)","adapter":"","stop":"e"}"#,
                #"{"prompt":"Oak","adapter":["llama-second","llama-first"],"max_tokens":5}"#,
                #"{"input_ids":[480,65,66,67],"adapter":null}"#,
            ]
            try place.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: "in.jsonl")
            let common = ["generate", "--base", GenerationPlace.base(), "--max-tokens", "20"]
            let adapters = one.adapters.flatMap { ["--adapter", $0] }
            let run = try succeed(common + adapters + ["--batch", place("in.jsonl")])
            let found = try run.standardOutput.split(separator: UInt8(ascii: "\n")).map {
                try JSONValue.parse(Array($0))
            }
            try #require(found.count == 5)
            #expect(found[0].object?.keys == ["id", "text", "ids", "promptTokens", "tokens", "finish"])
            #expect(found[0]["id"]?.string == "a" && ids(found[0]) == one.ids && found[0]["text"]?.string == one.text)
            func alone(_ prompt: String, _ more: [String]) throws -> [Int] {
                ids(try document(try succeed(common + ["--prompt", prompt, "--json"] + more)))
            }
            let second = ["--adapter", one.adapters[1]]
            #expect(try ids(found[1]) == alone("Once", second + ["--seed", "3", "--temperature", "0.7"]))
            #expect(found[1]["id"]?.int == 7)
            #expect(try ids(found[2]) == alone(one.prompt, ["--stop", "e"]))
            #expect(try ids(found[3]) == alone("Oak", adapters + ["--max-tokens", "5"]))
            #expect(found[4]["promptTokens"]?.int == 4 && found[4]["text"]?.string != nil)
            // To a file, from stdin, with a document that tells of it.
            let written = try document(
                try runTool(
                    common + adapters + ["--batch", "-", "-o", place("out.jsonl"), "--json"],
                    stdin: try contents(of: place("in.jsonl"))))
            #expect(try contents(of: place("out.jsonl")) == run.standardOutput)
            #expect(written.object?.keys == ["output", "lines", "tokens", "tokensPerSecond"])
            #expect(written["lines"]?.int == 5)
            let again = common + adapters + ["--batch", place("in.jsonl"), "-o", place("out.jsonl")]
            try expectFailure(73, "output-exists", again)
            #expect(try succeed(again + ["--force"]).output.hasPrefix("wrote "))
        }
    }

    @Test("writes conversations by the base's template, or the one that is named, unless it is told not to")
    func chat() throws {
        try inFolder { place in
            let base = place("base")
            try GenerationPlace.copy(
                to: base,
                settings: ["chat_template": .string(GenerationPlace.template), "eos_token": "<|end_of_text|>"])
            let common = ["generate", "--base", base, "--max-tokens", "8", "--json"]
            func tokens(_ more: [String]) throws -> JSONValue { try document(try succeed(common + more)) }
            func raw(_ text: String) throws -> [Int] { ids(try tokens(["--raw", "--prompt", text])) }
            // The template writes no token that begins a text, and raw text has one.
            let asked = try tokens(["--prompt", "Hi"])
            try place.write(
                Array(
                    """
                    {"messages":[{"role":"user","content":"Hi"}]}
                    {"prompt":"Hi","system":"Be brief."}

                    """.utf8), to: "in.jsonl")
            let lines = try succeed(Array(common.dropLast()) + ["--batch", place("in.jsonl")]).standardOutput
                .split(separator: UInt8(ascii: "\n")).map { try JSONValue.parse(Array($0)) }
            #expect(ids(lines[0]) == ids(asked) && lines[0]["promptTokens"] == asked["promptTokens"])
            let instructed = try tokens(["--prompt", "Hi", "--system", "Be brief."])
            #expect(ids(lines[1]) == ids(instructed) && lines[1]["promptTokens"] == instructed["promptTokens"])
            let plain = try tokens(["--raw", "--prompt", "Hi"])
            #expect(plain["promptTokens"]?.int ?? 99 < asked["promptTokens"]?.int ?? 0)
            #expect(
                try tokens(["--prompt", "Hi", "--chat-template", "chatml"])["promptTokens"] != asked["promptTokens"])
            // An adapter that learned by another template asks by that one.
            try place.write(
                Array(#"{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"}]}"#.utf8),
                to: "train.jsonl")
            try succeed([
                "train", "--base", base, "--data", place("train.jsonl"), "-o", place("x.tenon"), "--iters", "1",
                "--chat-template", "chatml", "--quiet",
            ])
            let learned = try tokens(["--prompt", "Hi", "--adapter", place("x.tenon")])
            let named = try tokens(["--prompt", "Hi", "--adapter", place("x.tenon"), "--chat-template", "chatml"])
            #expect(ids(learned) == ids(named) && learned["promptTokens"] == named["promptTokens"])
            #expect(learned["promptTokens"] != asked["promptTokens"])
            // Without a template text is text, and a conversation is refused.
            let bare = ["generate", "--base", GenerationPlace.base(), "--prompt", "Hi", "--max-tokens", "8"]
            #expect(try ids(document(try succeed(bare + ["--json"]))) == raw("Hi"))
            for more in [["--chat"], ["--system", "Be brief."]] { try expectFailure(64, "usage", bare + more) }
            try succeed(bare + ["--chat", "--chat-template", "chatml"])
        }
    }

    @Test("says what is wrong with options and prompts")
    func refusals() throws {
        let base = ["generate", "--base", GenerationPlace.base()]
        let prompt = base + ["--prompt", "A"]
        for wrong in [
            base, prompt + ["--batch", "x"], prompt + ["--chat", "--raw"], prompt + ["--raw", "--system", "s"],
            prompt + ["--max-tokens", "0"], prompt + ["--temperature", "-1"], prompt + ["--temperature", "nan"],
            prompt + ["--temperature", "1", "--top-k", "0"], prompt + ["--temperature", "1", "--top-p", "0"],
            prompt + ["--temperature", "1", "--top-p", "1.5"], prompt + ["--top-k", "5"], prompt + ["--top-p", "0.5"],
            prompt + ["--stop", ""], prompt + ["--seed", "-1"], prompt + ["-o", "x"],
            base + ["--batch", "x", "--stop", ""],
            prompt + ["--chat-template", "no-such"], prompt + ["--adapter", ""],
            prompt + ["--adapter", GenerationPlace.adapter("llama-first") + "@nan"],
            prompt + ["--adapter", GenerationPlace.adapter("llama-first") + "@1e60"],
            prompt + [
                "--adapter", GenerationPlace.adapter("llama-first"), "--adapter",
                GenerationPlace.adapter("llama-first"),
            ],
            base + ["--prompt", String(repeating: "word and ", count: 100)],
        ] {
            let run = try runTool(wrong)
            #expect(run.status == 64 && run.output == "", "\(wrong): \(run.errors)")
            expectErrorLines(run)
        }
        try expectFailure(66, "not-found", prompt + ["--adapter", "none.tenon"])
        let lines = try runTool(base + ["--batch", "none.jsonl"])
        #expect(lines.status == 66 && lines.output == "")
        expectErrorLines(lines)
        // One document, and lines, cannot both have the standard output.
        let both = try document(try runTool(base + ["--batch", "none.jsonl", "--json"]))
        #expect(both["error"]?["code"]?.string == "usage")
        func other(_ name: String) -> [String] { ["generate", "--base", TrainingPlace.base(name), "--prompt", "A"] }
        for name in ["bert-masked", "bert-classes", "gpt2-classes", "roberta-value", "llama"] {
            try expectFailure(65, "base-incompatible", other(name))
        }
        // GPT-2's tokenizer puts nothing around a text, so that nothing may be left of an empty one.
        try inFolder { place in
            try GenerationPlace.copy("gpt2", to: place("base"), settings: ["bos_token": nil])
            try expectFailure(64, "usage", ["generate", "--base", place("base"), "--prompt", ""])
            try succeed(["generate", "--base", GenerationPlace.base("gpt2"), "--prompt", "", "--max-tokens", "2"])
        }
    }

    @Test("says which line of a batch is wrong, and writes nothing")
    func badLines() throws {
        try inFolder { place in
            for (line, says) in [
                ("[1]", "no object"), ("{", ""), ("{}", "no prompt"), (#"{"prompt":1}"#, "`prompt`"),
                (#"{"prompt":"a","messages":[]}"#, "more than one"), (#"{"messages":[]}"#, "no messages"),
                (#"{"messages":[{"role":"user","content":"x"}]}"#, "no chat template"),
                (#"{"prompt":"a","adapter":"none"}"#, "no adapter of this name"),
                (#"{"prompt":"a","adapter":["llama-first","llama-first"]}"#, "named twice"),
                (#"{"prompt":"a","max_tokens":0}"#, "`max_tokens`"), (#"{"prompt":"a","seed":-1}"#, "`seed`"),
                (#"{"prompt":"a","temperature":"hot"}"#, "`temperature`"), (#"{"prompt":"a","stop":""}"#, "empty"),
                (#"{"prompt":"a","stop":[1]}"#, "`stop`"), (#"{"prompt":"a","other":1}"#, "other"),
                (#"{"input_ids":[9999]}"#, "an id that the model has not"), (#"{"input_ids":[-1]}"#, "an id"),
                (#"{"input_ids":[]}"#, "empty"), (#"{"input_ids":["a"]}"#, "`input_ids`"),
                (#"{"prompt":"\#(String(repeating: "word and ", count: 100))"}"#, "longer than the model"),
                (#"{"prompt":"a","system":"s"}"#, "`system`"),
            ] {
                try place.write(Array("{\"prompt\":\"ok\"}\n\(line)\n".utf8), to: "in.jsonl")
                let command = [
                    "generate", "--base", GenerationPlace.base(), "--adapter", GenerationPlace.adapter("llama-first"),
                    "--quiet",
                    "--batch", place("in.jsonl"), "-o", place("out.jsonl"),
                ]
                let run = try runTool(command)
                #expect(run.status == 65 && run.output == "", "\(line): \(run.errors)")
                #expect(run.errors.contains("line 2") && run.errors.contains(says), "\(line): \(run.errors)")
                #expect(try document(try runTool(command + ["--json"]))["error"]?["code"]?.string == "bad-data-line")
                #expect(try place.names() == ["in.jsonl"])
            }
            try place.write(Array("\n\n".utf8), to: "in.jsonl")
            try expectFailure(
                65, "data-empty",
                ["generate", "--base", GenerationPlace.base(), "--batch", place("in.jsonl"), "-o", place("out.jsonl")])
        }
    }

    @Test("adapters that cannot work together, or with a weight, are refused by name")
    func combinations() throws {
        try inFolder { place in
            let first = "llama-first=" + GenerationPlace.adapter("llama-first")
            let prompt = [
                "generate", "--base", GenerationPlace.base(), "--prompt", "A", "--max-tokens", "4", "--quiet",
            ]
            try place.write(Array("{\"input_ids\":[3,1,4,1,5,9,2,6]}\n".utf8), to: "train.jsonl")
            for (name, more) in [
                ("prompt", ["--method", "prompt-tuning"]), ("prefix", ["--method", "prefix-tuning"]),
                ("ia3", ["--method", "ia3"]), ("dora", ["--dora"]),
            ] {
                try succeed(
                    [
                        "train", "--base", GenerationPlace.base(), "--data", place("train.jsonl"), "-o",
                        place(name + ".tenon"),
                    ]
                        + ["--iters", "2", "--quiet"] + more)
                let alone = place(name + ".tenon")
                #expect(try !succeed(prompt + ["--adapter", alone]).output.isEmpty)
                for wrong in [["--adapter", alone + "@0.5"], ["--adapter", alone, "--adapter", first]] {
                    try expectFailure(65, "not-mergeable", prompt + wrong)
                    #expect(try runTool(prompt + wrong).errors.contains(name))
                }
                // One after the other they can be had.
                try place.write(
                    Array(
                        "{\"prompt\":\"A\",\"adapter\":\"\(name)\"}\n{\"prompt\":\"A\",\"adapter\":\"llama-first\"}\n"
                            .utf8),
                    to: "in.jsonl")
                try succeed(
                    Array(prompt.prefix(3)) + [
                        "--batch", place("in.jsonl"), "--adapter", alone, "--adapter", first, "--quiet",
                    ])
            }
            let loha = try packed("loha", in: place, as: "loha.tenon")
            try place.write(Array("{\"input_ids\":[3,1,4]}\n".utf8), to: "in.jsonl")
            try expectFailure(
                65, "not-trainable",
                [
                    "generate", "--base", Models.path("llama"), "--adapter", loha, "--batch", place("in.jsonl"), "-o",
                    place("out.jsonl"), "--quiet",
                ])
        }
    }

    @Test(
        "a signal ends it, and nothing is left behind", arguments: [(2, 130, "interrupted"), (15, 143, "terminated")])
    func signals(signal: Int32, status: Int32, code: String) throws {
        try inFolder { place in
            let line = "{\"prompt\":\"A tenon fits\",\"max_tokens\":80}\n"
            try place.write(Array(String(repeating: line, count: 30_000).utf8), to: "in.jsonl")
            let run = try runTool(
                [
                    "generate", "--base", GenerationPlace.base(), "--batch", place("in.jsonl"), "-o",
                    place("out.jsonl"),
                    "--json",
                ], interrupt: (signal, 1500))
            #expect(run.signal == nil && run.status == status, "\(run.errors)")
            #expect(try document(run)["error"]?["code"]?.string == code)
            #expect(try place.names() == ["in.jsonl"])
        }
    }

    @Test("a reader that goes away ends it silently")
    func closedPipe() throws {
        try inFolder { place in
            try copyFolder(GenerationPlace.base(), to: place("base"))
            let run = try runShell(
                "{ sleep 0.3; tenon generate --base base --prompt A --max-tokens 90; echo $? >status; } | :",
                in: place.path)
            #expect(run.errors == "")
            #expect(try contents(of: place("status")) == Array("0\n".utf8))
        }
    }
}
