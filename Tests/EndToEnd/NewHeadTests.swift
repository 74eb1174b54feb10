import Files
import JSON
import Support
import Testing

/// Adapters with a head that their base lacks, in all that is done with adapters.
@Suite("A head that the base lacks")
struct NewHeadTests {
    /// Trains a classifier of three classes on a base for something else, and gives its container.
    private func trained(in place: TemporaryFolder, base: String, name: String = "x.tenon") throws -> String {
        var random = RepeatableRandom(seed: 4)
        var text = ""
        for row in 0..<6 {
            var ids: [Int] = [4 + row % 3]
            for _ in 0..<5 { ids.append(Int.random(in: 10..<97, using: &random)) }
            text += "{\"input_ids\":\(ids),\"label\":\(row % 3)}\n"
        }
        try place.write(Array(text.utf8), to: "rows.jsonl")
        try succeed(
            [
                "train", "--base", TrainingPlace.base(base), "--data", place("rows.jsonl"), "-o", place(name), "--task",
                "classification", "--iters", "2", "--batch-size", "6", "--quiet",
            ])
        return place(name)
    }

    /// A base, what it is with a head for classes, and the tensors of that head that it lacks.
    struct Head: Sendable, CustomTestStringConvertible {
        let base: String
        let architecture: String
        let tensors: Set<String>

        var testDescription: String { base }
    }

    static let heads: [Head] = [
        Head(
            base: "bert-masked", architecture: "BertForSequenceClassification",
            tensors: ["bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"]),
        Head(
            base: "roberta-masked", architecture: "RobertaForSequenceClassification",
            tensors: [
                "classifier.dense.weight", "classifier.dense.bias", "classifier.out_proj.weight",
                "classifier.out_proj.bias",
            ]),
        Head(base: "gpt2", architecture: "GPT2ForSequenceClassification", tensors: ["score.weight"]),
    ]

    @Test("applied it is a model with that head, which is taken away again", arguments: heads)
    func applied(_ head: Head) throws {
        try inFolder { place in
            let name = head.base
            let base = TrainingPlace.base(name)
            let container = try trained(in: place, base: name)
            let run = try succeed(["apply", container, "--base", base, "-o", place("merged"), "--json"])
            let warnings = (try document(run)["warnings"]?.array ?? []).compactMap(\.string)
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains("new: the base lacks") == true)

            let config = try JSONValue.parse(try contents(of: place("merged/config.json")))
            #expect(config["architectures"]?.array?.first?.string == head.architecture)
            #expect(config["id2label"]?.object?.count == 3)
            let before = Set(try Checkpoint(Paths.joined(base, "model.safetensors")).tensors.keys)
            let after = Set(try Checkpoint(place("merged/model.safetensors")).tensors.keys)
            #expect(after.subtracting(before) == head.tensors)
            #expect(before.isSubset(of: after))
            // The model by itself says what the adapter says on the base.
            let rows = place("rows.jsonl")
            let together = try TrainingPlace.loss(container, base: base, data: rows)
            let alone = try TrainingPlace.loss(nil, base: place("merged"), data: rows)
            #expect(abs(alone - together) < 1e-4)

            try succeed(
                ["unapply", container, "--merged", place("merged"), "--base", base, "-o", place("back")])
            for file in ["model.safetensors", "config.json"] {
                let back = try contents(of: place("back/" + file))
                let original = try contents(of: Paths.joined(base, file))
                #expect(back == original)
            }
        }
    }

    @Test("it goes into PEFT's format and back, is compared, stored and verified")
    func others() throws {
        try inFolder { place in
            let base = TrainingPlace.base("bert-masked")
            let container = try trained(in: place, base: "bert-masked")
            try succeed(["verify", container, "--base", base])
            try succeed(["inspect", container])
            try succeed(["unpack", container, "-o", place("peft"), "--format", "peft"])
            try succeed(["pack", place("peft"), "--base", base, "-o", place("again.tenon")])
            let one = try document(try succeed(["inspect", container, "--json"]))
            let two = try document(try succeed(["inspect", place("again.tenon"), "--json"]))
            #expect(one["contentDigest"]?.string == two["contentDigest"]?.string)
            try succeed(["diff", container, place("again.tenon")])
            try succeed(["apply", container, "--base", base, "-o", place("merged")])
            let diff = try runTool(["diff", base, place("merged")])
            #expect(diff.status == 1)
            #expect(diff.output.contains("classifier.weight"))
            try succeed(["store", "init", "--store", place("store")])
            try succeed(["store", "add", container, "--name", "head", "--store", place("store")])
            try succeed(["store", "get", "head", "--store", place("store"), "-o", place("got.tenon")])
            let got = try contents(of: place("got.tenon"))
            let put = try contents(of: container)
            #expect(got == put)
        }
    }

    @Test("what cannot be done with it is refused by name")
    func refusals() throws {
        try inFolder { place in
            let base = TrainingPlace.base("gpt2")
            let container = try trained(in: place, base: "gpt2")
            let apply = ["apply", container, "--base", base, "-o", place("merged")]
            try expectFailure(64, "usage", apply + ["--undo", place("undo.tenon")])
            let other = try trained(in: place, base: "gpt2", name: "y.tenon")
            try expectFailure(
                65, "not-mergeable", ["apply", container, other, "--base", base, "-o", place("merged")])
            #expect(try !place.names().contains("merged"))
        }
    }

    /// A LoRA of GPT-2 and, beside it, one tensor that is kept whole.
    private func adapter(at path: String, saving name: String, as module: String) throws {
        var random = RepeatableRandom(seed: 9)
        var weights = TinyModel()
        weights.add("base_model.model.transformer.h.0.attn.c_attn.lora_A.weight", "F32", [2, 24], &random)
        weights.add("base_model.model.transformer.h.0.attn.c_attn.lora_B.weight", "F32", [72, 2], &random)
        weights.add("base_model.model.\(name)", "F32", [3, 24], &random)
        let config: JSONValue = [
            "peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["c_attn"], "fan_in_fan_out": true,
            "task_type": "SEQ_CLS", "modules_to_save": [.string(module)],
        ]
        try Folder.make(path)
        try writeFile(weights.file(0), to: Paths.joined(path, "adapter_model.safetensors"))
        try writeFile(JSONWriter.bytes(of: config, .pretty), to: Paths.joined(path, "adapter_config.json"))
    }

    @Test(
        "only a module that was saved, outside of blocks and vocabularies, may be new",
        arguments: ["score", "transformer.h.7.mlp", "lm_head", "transformer.wte"])
    func onlyHeads(_ module: String) throws {
        try inFolder { place in
            let isNew = module == "score"
            try adapter(at: place("a"), saving: module + ".weight", as: module)
            let base = TrainingPlace.base("gpt2")
            let pack = ["pack", place("a"), "--base", base, "-o", place("a.tenon")]
            let apply = ["apply", place("a"), "--base", base, "-o", place("merged")]
            for command in [pack, apply] {
                if isNew { try succeed(command) } else { try expectFailure(65, "base-incompatible", command) }
            }
        }
    }
}
