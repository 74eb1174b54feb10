import Files
import JSON
import Support
import Testing

/// Encoders and GPT-2, trained for other tasks than the next token.
@Suite("Training for a task")
struct TrainTaskTests {
    /// Rows that begin with one of three tokens, which says their class.
    private func data(in place: TemporaryFolder) throws {
        var random = RepeatableRandom(seed: 4)
        let rows = (0..<18).map { row in
            let ids = (0..<5).map { _ in Int.random(in: 10..<97, using: &random) }
            return "{\"input_ids\":\([4 + row % 3] + ids),\"label\":\(row % 3)}\n"
        }
        try Folder.make(place("data"))
        for name in ["train", "valid"] { try place.write(Array(rows.joined().utf8), to: "data/\(name).jsonl") }
    }

    private static let options = ["--epochs", "20", "--batch-size", "6", "--learning-rate", "1e-2", "--quiet"]

    private func command(_ place: TemporaryFolder, base: String, _ more: [String]) -> [String] {
        ["train", "--base", TrainingPlace.base(base), "--data", place("data"), "-o", place("x.tenon")] + Self.options
            + more
    }

    /// The modules of a head that each base lacks.
    private static let made: [String: [String]] = [
        "bert-classes": [], "bert-masked": ["bert.pooler.dense", "classifier"], "gpt2": ["score"],
    ]

    @Test(
        "classes are learned, by a head of the base or a new one", arguments: ["bert-classes", "bert-masked", "gpt2"])
    func classes(_ base: String) throws {
        try inFolder { place in
            try data(in: place)
            let run = try succeed(command(place, base: base, ["--task", "classification", "--json"]))
            let document = try document(run)
            #expect((document["madeModules"]?.array ?? []).compactMap(\.string) == Self.made[base])
            #expect(document["bestEvaluation"]?["rows"]?.int == 18)
            let model = TrainingPlace.base(base)
            let gate = ["--base", model, "--data", place("data"), "--min", "accuracy=0.9"]
            try succeed(["eval", place("x.tenon")] + gate)
            try succeed(["verify", place("x.tenon")] + gate)
            try succeed(["verify", place("x.tenon"), "--base", model, "--data", place("data"), "--retrain"])
            try succeed(["unpack", place("x.tenon"), "--format", "peft", "-o", place("peft")])
            let config = try JSONValue.parse(try contents(of: place("peft/adapter_config.json")))
            #expect(config["task_type"]?.string == "SEQ_CLS")
            // On from there, to the same base.
            try succeed(
                ["train", "--base", model, "--data", place("data"), "--init", place("x.tenon"), "-o", place("y.tenon")]
                    + Self.options)
        }
    }

    @Test("a head beside trained norms is spelled as PEFT does")
    func norms() throws {
        try inFolder { place in
            try data(in: place)
            try succeed(command(place, base: "bert-classes", ["--task", "classification", "--method", "ln-tuning"]))
            try succeed(["unpack", place("x.tenon"), "--format", "peft", "-o", place("peft")])
            let keys = try Checkpoint(place("peft/adapter_model.safetensors")).tensors.keys
            #expect(keys.contains("base_model.model.classifier.weight"))
            #expect(keys.contains { $0.hasSuffix("LayerNorm.ln_tuning_layers.weight") })
        }
    }

    @Test("biases of adapted layers are spelled as PEFT does")
    func biases() throws {
        try inFolder { place in
            try data(in: place)
            let train = command(place, base: "bert-classes", ["--task", "classification", "--bias", "all"])
            try succeed(train + ["--target-modules", "query"])
            try succeed(["unpack", place("x.tenon"), "--format", "peft", "-o", place("peft")])
            let keys = try Checkpoint(place("peft/adapter_model.safetensors")).tensors.keys
            #expect(keys.contains { $0.hasSuffix("attention.self.query.base_layer.bias") })
            #expect(keys.contains { $0.hasSuffix("attention.self.key.bias") })
            #expect(!keys.contains { $0.hasSuffix("attention.self.query.bias") })
        }
    }

    @Test("a base that is for classes can be trained to go on with texts")
    func otherTask() throws {
        try inFolder { place in
            try data(in: place)
            try succeed(command(place, base: "gpt2-classes", ["--task", "causal"]))
            let gate = ["--base", TrainingPlace.base("gpt2-classes"), "--data", place("data"), "--json"]
            let result = try document(try succeed(["eval", place("x.tenon")] + gate))
            #expect(result["perplexity"]?.double != nil && result["tokens"]?.int == 90)
        }
    }

    @Test("what does not go together is refused")
    func refusals() throws {
        try inFolder { place in
            try data(in: place)
            try expectFailure(64, "usage", command(place, base: "bert-masked", ["--task", "causal"]))
            try expectFailure(64, "usage", command(place, base: "llama", ["--task", "masked"]))
            try expectFailure(64, "usage", command(place, base: "gpt2", ["--task", "poetry"]))
            // Labels beyond the classes of a head that there is, and none at all for what is asked.
            try expectFailure(
                65, "bad-data-line", command(place, base: "bert-tokens", ["--strict"]))
            try expectFailure(
                65, "not-trainable", command(place, base: "bert-classes", ["--method", "prefix-tuning"]))
            // A head for another number of answers, before anything is trained.
            for more in [[], ["--dry-run"]] {
                let train = command(place, base: "bert-classes", ["--task", "regression"] + more)
                try expectFailure(65, "base-incompatible", train)
            }
            try expectFailure(64, "usage", command(place, base: "bert-classes", ["--mask-prompt"]))
            #expect(try place.names() == ["data"])
        }
    }
}
