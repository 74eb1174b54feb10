import Files
import JSON
import Support
import Testing

/// What people hand to a trainer: each has its error, its exit status and what to do about it, and leaves nothing behind.
@Suite("Bad input for training")
struct TrainBadInputTests {
    /// Expects the command to fail and the folder to have what it had; gives what it said.
    @discardableResult
    private func expectRefusal(
        _ status: Int32, _ code: String, _ arguments: [String], in place: TemporaryFolder,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let names = try place.names()
        try expectFailure(status, code, arguments, sourceLocation: sourceLocation)
        #expect(try place.names() == names, sourceLocation: sourceLocation)
        return try runTool(arguments).errors
    }

    /// A copy of a tiny base whose config has other text in places.
    private func base(in place: TemporaryFolder, _ changes: [(String, String)] = []) throws -> String {
        try copyFolder(TrainingPlace.base(), to: place("base"))
        var config = String(decoding: try contents(of: place("base/config.json")), as: UTF8.self)
        for (old, new) in changes {
            #expect(config.contains(old))
            config.replace(old, with: new)
        }
        try place.write(Array(config.utf8), to: "base/config.json")
        return place("base")
    }

    /// Trains on the copied base, or with the data given.
    private func command(_ place: TemporaryFolder, data: String = "data", _ more: [String] = []) -> [String] {
        ["train", "--base", place("base"), "--data", place(data), "-o", place("x.tenon"), "--iters", "4", "--quiet"]
            + more
    }

    private func onBase(_ changes: [(String, String)] = [], _ body: (TemporaryFolder) throws -> Void) throws {
        try inFolder { place in
            _ = try base(in: place, changes)
            try TrainingPlace.data(in: place)
            try body(place)
        }
    }

    @Test("a module to leave out that the base lacks is named")
    func strayExclusion() throws {
        try onBase { place in
            let more = ["--target-modules", "all-linear", "--set", "exclude_modules=[\"down_porj\"]"]
            let errors = try expectRefusal(64, "usage", command(place, more), in: place)
            #expect(errors.contains("down_porj") && errors.contains("down_proj"))
        }
    }

    @Test("a file of options that is none is refused with its line")
    func badOptionFile() throws {
        let wrong = [
            ("- rank", 65, "line 1"), ("rank: 4\nlora:\n  a: 1", 65, "line 2"),
            ("seed: 9007199254740993", 65, "quotes"),
            ("rank: [", 65, "YAML"), ("no_such_option: 1", 64, "--no-such-option"), ("rank: many", 64, "many"),
        ]
        for (text, status, word) in wrong {
            try onBase { place in
                try place.write(Array(text.utf8), to: "options.yaml")
                let code = status == 64 ? "usage" : "recipe-invalid"
                let errors = try expectRefusal(
                    Int32(status), code, command(place, ["--config", place("options.yaml")]), in: place)
                #expect(errors.contains(word), "\(text): \(errors)")
            }
        }
        try onBase { place in
            try expectRefusal(66, "not-found", command(place, ["--config", place("none.yaml")]), in: place)
        }
    }

    // MARK: Bases

    @Test func noConfig() throws {
        try onBase { place in
            try Folder.remove(place("base/config.json"))
            let errors = try expectRefusal(65, "config-missing", command(place), in: place)
            #expect(errors.contains("hint: name the model's folder as it was downloaded"))
        }
    }

    @Test func unknownArchitecture() throws {
        try onBase([("\"model_type\": \"llama\"", "\"model_type\": \"mamba\"")]) { place in
            let errors = try expectRefusal(65, "unknown-architecture", command(place), in: place)
            for word in ["mamba", "llama", "mistral", "qwen2"] { #expect(errors.contains(word)) }
        }
    }

    @Test(
        "a config that does not fit the weights",
        arguments: [
            ("\"intermediate_size\": 64", "\"intermediate_size\": 65", "base-incompatible"),
            ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "base-incompatible"),
            ("\"vocab_size\": 97", "\"vocab_size\": 98", "base-incompatible"),
            ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "config-invalid"),
            ("\"hidden_size\": 32", "\"hidden_size\": 0", "config-invalid"),
            ("\"hidden_size\": 32", "\"hidden_size\": \"32\"", "config-invalid"),
            ("\"hidden_size\": 32,", "", "config-invalid"),
            ("\"head_dim\": 8", "\"head_dim\": 1000000000", "config-invalid"),
            ("\"attention_bias\": false", "\"attention_bias\": true", "base-incompatible"),
        ])
    func wrongConfig(_ old: String, _ new: String, _ code: String) throws {
        try onBase([(old, new)]) { place in try expectRefusal(65, code, command(place), in: place) }
    }

    @Test(
        "keys of the rotary embedding that are not honored are refused by name, unless they change nothing",
        arguments: [
            ("mscale", "0.5", false), ("mscale_all_dim", "1.0", false), ("mscale_all_dim", "\"x\"", false),
            ("partial_rotary_factor", "0.5", false), ("mscale", "1.0", true), ("mscale", "null", true),
            ("mscale_all_dim", "0", true), ("partial_rotary_factor", "1", true),
        ])
    func rotaryKeys(_ key: String, _ value: String, _ isFine: Bool) throws {
        let yarn = "{\"rope_type\": \"yarn\", \"factor\": 4.0, \"\(key)\": \(value)}"
        try onBase([("\"rope_scaling\": null", "\"rope_scaling\": \(yarn)")]) { place in
            if isFine { return _ = try succeed(command(place)) }
            let errors = try expectRefusal(65, "unknown-architecture", command(place), in: place)
            #expect(errors.contains("\(key))"), "\(errors)")
        }
    }

    @Test func quantized() throws {
        let gptq = "\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}, \"vocab_size\""
        try onBase([("\"vocab_size\"", gptq)]) { place in
            let errors = try expectRefusal(65, "base-invalid", command(place), in: place)
            #expect(errors.contains("gptq") && errors.contains("hint: use the model it was quantized from"))
        }
    }

    @Test("a base that is cut short", arguments: [0, 7, 400, 50_000, 99_000])
    func truncated(_ count: Int) throws {
        try onBase { place in
            let bytes = try contents(of: place("base/model.safetensors"))
            try place.write(Array(bytes.prefix(count)), to: "base/model.safetensors")
            let run = try runTool(command(place, ["--json"]))
            #expect(run.status == 65, "\(run.errors)")
            #expect(try document(run)["error"]?["path"]?.string == place("base/model.safetensors"))
            #expect(try place.names() == ["base", "data"])
        }
    }

    @Test func noBase() throws {
        try onBase { place in
            try Folder.remove(place("base"))
            try expectRefusal(66, "not-found", command(place), in: place)
        }
    }

    // MARK: Data

    @Test func textWithoutATokenizer() throws {
        try onBase { place in
            try place.write(Array("{\"text\":\"a\"}\n".utf8), to: "text.jsonl")
            let errors = try expectRefusal(65, "data-empty", command(place, data: "text.jsonl"), in: place)
            #expect(errors.contains("there is no tokenizer"))
            #expect(errors.contains("hint: tokenizer.json or vocab.txt belongs into the base's folder"))
        }
    }

    @Test func aTokenizerOfAnotherKind() throws {
        try onBase { place in
            try place.write([0], to: "base/tokenizer.model")
            try place.write(Array("{\"text\":\"a\"}\n".utf8), to: "text.jsonl")
            let errors = try expectRefusal(
                65, "tokenizer-unsupported", command(place, data: "text.jsonl"), in: place)
            #expect(errors.contains("tokenizer.model"))
        }
    }

    @Test func aTokenizerThatIsNone() throws {
        try onBase { place in
            try place.write(Array("{}".utf8), to: "base/tokenizer.json")
            try place.write(Array("{\"text\":\"a\"}\n".utf8), to: "text.jsonl")
            try expectRefusal(65, "tokenizer-invalid", command(place, data: "text.jsonl"), in: place)
        }
    }

    @Test("broken lines are skipped and counted; --strict stops at the first")
    func brokenLines() throws {
        try onBase { place in
            let lines = String(decoding: TrainingPlace.lines(3, seed: 9), as: UTF8.self)
            let text = lines + "{\"input_ids\":[1,2\n\n{\"input_ids\":[97]}\n" + lines
            try place.write(Array(text.utf8), to: "broken.jsonl")
            let loud = command(place, data: "broken.jsonl").filter { $0 != "--quiet" }
            let run = try succeed(loud)
            #expect(run.errors.contains("line 4") && run.errors.contains("line 6"))
            #expect(run.errors.contains("tenon: warning: lines skipped in all: 2"))
            for name in ["x.loss.svg", "x.metrics.jsonl", "x.tenon"] { try Folder.remove(place(name)) }
            let errors = try expectRefusal(
                65, "bad-data-line", command(place, data: "broken.jsonl", ["--strict"]), in: place)
            #expect(errors.contains("line 4"))
        }
    }

    @Test("data without a row", arguments: ["", "\n \n", "{}\n", "[1]\n"])
    func empty(_ text: String) throws {
        try onBase { place in
            try place.write(Array(text.utf8), to: "empty.jsonl")
            let errors = try expectRefusal(65, "data-empty", command(place, data: "empty.jsonl"), in: place)
            #expect(errors.contains("hint: each line is an object"))
            try expectRefusal(66, "not-found", command(place, data: "nowhere"), in: place)
            try Folder.remove(place("data/train.jsonl"))
            try expectRefusal(66, "not-found", command(place), in: place)
        }
    }

    @Test("rows longer than the model allows are cut and counted")
    func longRows() throws {
        try onBase { place in
            let long = "{\"input_ids\":\((0..<90).map { $0 % 97 })}\n"
            try place.write(Array((long + "{\"input_ids\":[1,2,3]}\n" + long).utf8), to: "long.jsonl")
            let loud = command(place, data: "long.jsonl").filter { $0 != "--quiet" }
            let run = try succeed(loud + ["--batch-size", "3"])
            #expect(run.errors.contains("tenon: warning: rows cut to 64 tokens: 2"))
            #expect(try TrainingPlace.metrics(place("x.metrics.jsonl"))[0]["tokens"]?.int == 63 + 2 + 63)
            let shorter = try succeed(loud + ["--batch-size", "3", "--force", "--max-seq-length", "10"])
            #expect(shorter.errors.contains("tenon: warning: rows cut to 10 tokens: 2"))
            #expect(try TrainingPlace.metrics(place("x.metrics.jsonl"))[0]["tokens"]?.int == 9 + 2 + 9)
        }
    }

    @Test("data that label nothing, with which every gate would pass")
    func shortRows() throws {
        try onBase { place in
            try place.write(Array("{\"input_ids\":[5]}\n".utf8), to: "short.jsonl")
            try expectFailure(65, "data-empty", command(place, data: "short.jsonl"))
        }
    }

    // MARK: Options

    @Test(
        "targets that match nothing",
        arguments: [("q_prij,v_proj", "q_proj"), (".*nothing", "down_proj"), ("query", "o_proj")])
    func targets(_ targets: String, _ nearest: String) throws {
        try onBase { place in
            let errors = try expectRefusal(64, "usage", command(place, ["--target-modules", targets]), in: place)
            #expect(errors.contains(nearest), "\(errors)")
        }
    }

    @Test(
        "options that cannot be",
        arguments: [
            ["--method", "lara"], ["--rank", "17"], ["--rank", "0"], ["--method", "ia3", "--rank", "4"],
            ["--batch-size", "0"], ["--iters", "0"], ["--iters", "2", "--epochs", "1"], ["--learning-rate", "0"],
            ["--learning-rate", "nan"], ["--dropout", "1"], ["--dropout", "-0.5"], ["--set", "rank"],
            ["--set", "wat=1"], ["--set", "r={"], ["--method", "bitfit"], ["--lr-schedule", "bent"],
            ["--method", "prompt-tuning", "--virtual-tokens", "0"], ["--warmup", "-1"], ["--epochs", "nan"],
            ["--weight-decay", "nan"], ["--max-grad-norm", "nan"], ["--max-grad-norm", "-1"],
            ["--steps-per-eval", "-1"], ["--early-stopping-patience", "0"], ["--save-every", "-1"],
            ["--virtual-tokens", "4"], ["--num-layers", "3"], ["--num-layers", "0"], ["--warmup", "5"],
            ["--save-every=-1"], ["--steps-per-eval=-1"], ["--steps-per-report", "0"],
            ["--set", "layers_to_transform=[2]"],
            ["--set", "rank_pattern={\"(\":4}"], ["--target-modules", "(("], ["--set", "rank_pattern={\"q_proj\":99}"],
            ["--set", "bias=\"some\""], ["--set", "loftq_config={\"a\":1}"], ["-o", "-"],
            ["--method", "prefix-tuning", "--virtual-tokens", "1025"],
            ["--method", "prefix-tuning", "--set", "init_weights=\"pca\""],
            [
                "--method", "prefix-tuning", "--set", "prefix_projection=true", "--set", "encoder_hidden_size=0",
            ],
            ["--method", "adaption-prompt", "--set", "adapter_layers=9"],
            ["--method", "adaption-prompt", "--set", "target_modules=\"attn\""],
        ])
    func options(_ more: [String]) throws {
        try onBase { place in
            let run = try runTool(command(place, more))
            #expect(run.status == 64, "\(run.status) \(run.errors)")
            expectErrorLines(run)
            #expect(try place.names() == ["base", "data"])
        }
    }

    @Test(
        "keys of patterns that match nothing",
        arguments: [
            ("rank_pattern={\"down_prij\":4}", "down_prij", "down_proj"),
            ("alpha_pattern={\"layers.7.q_proj\":4}", "layers.7.q_proj", "q_proj"),
            ("rank_pattern={\"v_proj\":4,\"v_prij\":2}", "v_prij", "v_proj"),
        ])
    func patterns(_ option: String, _ stray: String, _ nearest: String) throws {
        try onBase { place in
            let errors = try expectRefusal(64, "usage", command(place, ["--set", option, "--dry-run"]), in: place)
            #expect(errors.contains("(\(stray))") && errors.contains(nearest), "\(errors)")
        }
    }

    @Test("of layers or steps more than there are says how many there are")
    func tooMany() throws {
        try onBase { place in
            let layers = try expectRefusal(64, "usage", command(place, ["--num-layers", "3"]), in: place)
            #expect(layers.contains("--num-layers is out of its range: expected 1 to 2, found 3"))
            let steps = try expectRefusal(64, "usage", command(place, ["--warmup", "5"]), in: place)
            #expect(steps.contains("--warmup is longer than the run: expected at most 4, found 5"))
            try succeed(command(place, ["--num-layers", "2", "--warmup", "4"]))
        }
    }

    @Test("a container cannot be gone on with on the standard output, nor replace what it is made from")
    func places() throws {
        try onBase { place in
            let errors = try runTool(command(place, ["-o", "-"])).errors
            #expect(errors.contains("this output cannot go to the standard output"))
            let before = try contents(of: place("data/train.jsonl"))
            let data = ["--data", place("data/train.jsonl"), "-o", place("data/train.jsonl"), "--force"]
            try expectRefusal(64, "usage", command(place, data), in: place)
            #expect(try contents(of: place("data/train.jsonl")) == before)
        }
    }

    @Test("epochs that cannot be", arguments: ["0", "nan", "1e9", "-1"])
    func epochs(_ count: String) throws {
        try onBase { place in
            try expectFailure(
                64, "usage",
                [
                    "train", "--base", place("base"), "--data", place("data"), "-o", place("x.tenon"), "--epochs",
                    count,
                ])
        }
    }

    @Test("a loss that is no longer a number stops the run and names the lines")
    func diverged() throws {
        try onBase { place in
            let errors = try expectRefusal(
                65, "not-finite", command(place, ["--learning-rate", "1e30", "--batch-size", "10"]), in: place)
            #expect(errors.contains("step 2") && errors.contains("lines 1, 2, 3, 4, 5, 6, 7, 8, …"))
            #expect(errors.contains("hint: a smaller --learning-rate"))
        }
    }

    @Test("an adapter to go on from that does not fit")
    func wrongInit() throws {
        try onBase { place in
            try succeed(command(place))
            let refuse = { (more: [String], code: String, status: Int32) in
                try expectFailure(
                    status, code,
                    ["train", "--base", place("base"), "--data", place("data"), "-o", place("y.tenon"), "--quiet"]
                        + more)
            }
            try refuse(["--init", place("x.tenon"), "--method", "ia3"], "usage", 64)
            try refuse(["--init", place("none.tenon")], "not-found", 66)
            try refuse(["--init", place("data/train.jsonl")], "not-this-format", 65)
            try refuse(["--init", Fixtures.path("loha")], "usage", 64)
            #expect(try place.names() == ["base", "data", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])
        }
    }
}
