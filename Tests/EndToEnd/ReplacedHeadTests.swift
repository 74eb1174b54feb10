import Files
import JSON
import Support
import Testing

/// Adapters with a head in place of their base's, which is for other classes.
@Suite("A head in place of the base's")
struct ReplacedHeadTests {
    /// Rows of as many classes as there are names, or of values for none.
    private func write(classes: [String], in place: TemporaryFolder) throws -> String {
        var random = RepeatableRandom(seed: 5)
        var text = ""
        for row in 0..<6 {
            var ids: [Int] = [4 + row % max(1, classes.count)]
            for _ in 0..<5 { ids.append(Int.random(in: 10..<97, using: &random)) }
            let label = classes.isEmpty ? "\(Double(row) / 4)" : "\"\(classes[row % classes.count])\""
            text += "{\"input_ids\":\(ids),\"label\":\(label)}\n"
        }
        return try place.write(Array(text.utf8), to: "\(classes.joined())-rows.jsonl")
    }

    /// A base with a head of its own, the classes that it is trained anew for, none for values, and what is said where no new head
    /// is asked for.
    static let replacements: [(base: String, classes: [String], status: Int32, code: String)] = [
        ("bert-classes", ["ham", "spam"], 65, "bad-data-line"), ("gpt2-classes", ["ham", "spam"], 65, "bad-data-line"),
        ("bert-classes", ["no", "perhaps", "yes"], 65, "bad-data-line"),
        ("roberta-value", ["no", "perhaps", "yes"], 64, "usage"), ("distilbert-classes", [], 65, "base-incompatible"),
    ]

    @Test("a head for other classes takes the place of the base's where that is asked for", arguments: replacements)
    func replaced(_ name: String, _ classes: [String], _ status: Int32, _ code: String) throws {
        try inFolder { place in
            let base = TrainingPlace.base(name)
            let rows = try write(classes: classes, in: place)
            let container = place("x.tenon")
            let train = [
                "train", "--base", base, "--data", rows, "-o", container, "--task",
                classes.isEmpty ? "regression" : "classification", "--iters", "2", "--batch-size", "6", "--quiet",
            ]
            try expectFailure(status, code, train)
            let told = try succeed(train + ["--new-head", "--json"])
            #expect(try document(told)["madeModules"]?.array?.isEmpty == false)
            try succeed(["verify", container, "--base", base])
            try succeed(["verify", container, "--retrain", "--base", base, "--data", rows])

            try succeed(["apply", container, "--base", base, "-o", place("merged")])
            let config = try JSONValue.parse(try contents(of: place("merged/config.json")))
            let labels = config["id2label"]?.object?.members.compactMap(\.value.string)
            #expect(classes.isEmpty ? labels?.count == 1 : labels == classes)
            let together = try TrainingPlace.loss(container, base: base, data: rows)
            let alone = try TrainingPlace.loss(nil, base: place("merged"), data: rows)
            #expect(abs(alone - together) < 1e-4)

            let undo = ["apply", container, "--base", base, "-o", place("other"), "--undo", place("undo.tenon")]
            try expectFailure(64, "usage", undo)
            try succeed(["unapply", container, "--merged", place("merged"), "--base", base, "-o", place("back")])
            for file in ["model.safetensors", "config.json"] {
                let back = try contents(of: place("back/" + file))
                let original = try contents(of: Paths.joined(base, file))
                #expect(back == original)
            }
        }
    }

    /// Trains for an instant, and gives the container.
    @discardableResult
    private func trained(
        _ classes: [String], base: String, in place: TemporaryFolder, to name: String, _ more: [String] = ["--new-head"]
    ) throws -> String {
        try succeed(
            [
                "train", "--base", base, "--data", write(classes: classes, in: place), "-o", place(name), "--task",
                "classification", "--iters", "2", "--batch-size", "6", "--quiet",
            ] + more)
        return place(name)
    }

    private func labels(of model: String) throws -> [String]? {
        let config = try JSONValue.parse(try contents(of: Paths.joined(model, "config.json")))
        return config["id2label"]?.object?.members.compactMap(\.value.string)
    }

    /// A base of three classes, whose config has other members.
    private func base(in place: TemporaryFolder, changing change: (inout JSONObject) -> Void) throws -> String {
        let own = TrainingPlace.base("bert-classes")
        try Folder.make(place("base"))
        try place.write(try contents(of: Paths.joined(own, "model.safetensors")), to: "base/model.safetensors")
        var config = try #require(try JSONValue.parse(try contents(of: Paths.joined(own, "config.json"))).object)
        change(&config)
        try place.write(JSONWriter.bytes(of: .object(config), .pretty), to: "base/config.json")
        return place("base")
    }

    @Test(
        "a new head is for classes and values, and not for an adapter that has one, which goes on without being asked")
    func nothingToMake() throws {
        try inFolder { place in
            let own = TrainingPlace.base("bert-classes")
            let container = try trained(["ham", "spam"], base: own, in: place, to: "x.tenon")
            for words in [["--init", container], ["--task", "masked"]] {
                try expectFailure(
                    64, "usage",
                    [
                        "train", "--base", own, "--data", place("hamspam-rows.jsonl"), "-o", place("y.tenon"),
                        "--quiet",
                        "--new-head",
                    ] + words)
            }
            let further = try trained(["ham", "spam"], base: own, in: place, to: "y.tenon", ["--init", container])
            try succeed(["apply", further, "--base", own, "-o", place("merged")])
            #expect(try labels(of: place("merged")) == ["ham", "spam"])
        }
    }

    @Test("of two adapters the last head is told of; one that replaces a head is the only one that changes it")
    func twoAdapters() throws {
        try inFolder { place in
            let own = TrainingPlace.base("bert-classes")
            let new = try trained(["no", "perhaps", "yes"], base: own, in: place, to: "new.tenon")
            let old = try trained(["0", "1", "2"], base: own, in: place, to: "old.tenon", [])
            let two = try trained(["ham", "spam"], base: own, in: place, to: "two.tenon")
            try succeed(["apply", new + "," + old, "--base", own, "-o", place("a"), "--undo", place("undo.tenon")])
            #expect(try labels(of: place("a")) == labels(of: own))
            try succeed(["apply", old + "," + new, "--base", own, "-o", place("b")])
            #expect(try labels(of: place("b")) == ["no", "perhaps", "yes"])
            for pair in [two + "," + old, old + "," + two] {
                try expectFailure(65, "not-mergeable", ["apply", pair, "--base", own, "-o", place("c")])
            }
            try succeed(["apply", old, "--base", own, "-o", place("d")])
            let switching = ["switch", "--merged", place("d"), "--base", own, "--from", old, "--to", two]
            try expectFailure(64, "usage", switching + ["-o", place("e")])
        }
    }

    @Test("what the base calls its classes stays where the head is its own, and goes where it is not")
    func names() throws {
        try inFolder { place in
            let old = try trained(
                ["0", "1", "2"], base: TrainingPlace.base("bert-classes"), in: place, to: "old.tenon", [])
            let named = try base(in: place) { config in
                config["id2label"] = ["0": "neg", "1": "neu", "2": "pos"]
                config["problem_type"] = "multi_label_classification"
            }
            try succeed(["apply", old, "--base", named, "-o", place("a"), "--undo", place("undo.tenon")])
            let config = try contents(of: place("a/config.json"))
            let original = try contents(of: place("base/config.json"))
            #expect(config == original)
        }
        try inFolder { place in
            let nameless = try base(in: place) { config in
                config["id2label"] = nil
                config["label2id"] = nil
                config["num_labels"] = 3
            }
            let new = try trained(["no", "perhaps", "yes"], base: nameless, in: place, to: "new.tenon")
            try succeed(["apply", new, "--base", nameless, "-o", place("a")])
            #expect(try labels(of: place("a")) == ["no", "perhaps", "yes"])
        }
    }

    @Test(
        "all weights, and tokens' classes: the model by itself says what the adapter says on the base",
        arguments: [true, false])
    func otherWays(_ isFull: Bool) throws {
        try inFolder { place in
            let own = TrainingPlace.base("bert-classes")
            let container: String
            let rows: String
            if isFull {
                container = try trained(
                    ["ham", "spam"], base: own, in: place, to: "x.tenon", ["--new-head", "--method", "full"])
                rows = place("hamspam-rows.jsonl")
            } else {
                rows = try place.write(
                    Array("{\"input_ids\":[4,5,6],\"labels\":[0,1,2]}\n{\"input_ids\":[7,8],\"labels\":[2,1]}\n".utf8),
                    to: "tokens.jsonl")
                container = place("x.tenon")
                try succeed(
                    [
                        "train", "--base", own, "--data", rows, "-o", container, "--task", "token-classification",
                        "--new-head", "--iters", "2", "--quiet",
                    ])
            }
            try succeed(["apply", container, "--base", own, "-o", place("merged")])
            let together = try TrainingPlace.loss(container, base: own, data: rows)
            let alone = try TrainingPlace.loss(nil, base: place("merged"), data: rows)
            #expect(abs(alone - together) < 1e-4)
        }
    }

    @Test("the head that is replaced is no part of what an adapter is bound to")
    func unbound() throws {
        try inFolder { place in
            let own = TrainingPlace.base("bert-classes")
            let container = try trained(["ham", "spam"], base: own, in: place, to: "x.tenon")
            let entries = try document(try succeed(["inspect", container, "--json"]))["entries"]?.array ?? []
            let head = entries.filter { $0["target"]?.string?.hasPrefix("classifier") == true }
            #expect(head.count == 2 && head.allSatisfy { $0["baseLeaf"]?.string == nil })
        }
    }

    /// Tensors that are saved beside a LoRA: whole heads take the place of the base's, halves and what is no head do not.
    static let saved: [(names: [String: [Int]], module: String, fits: Bool)] = [
        (["classifier.weight": [2, 24], "classifier.bias": [2]], "classifier", true),
        (["classifier.weight": [2, 24]], "classifier", false), (["classifier.bias": [2]], "classifier", false),
        (["classifier.weight": [3, 24], "classifier.bias": [2]], "classifier", false),
        (["classifier.weight": [2, 23], "classifier.bias": [2]], "classifier", false),
        (["bert.pooler.dense.weight": [12, 24], "bert.pooler.dense.bias": [12]], "pooler", false),
    ]

    @Test("only whole heads are replaced", arguments: saved)
    func halves(_ names: [String: [Int]], _ module: String, _ fits: Bool) throws {
        try inFolder { place in
            var random = RepeatableRandom(seed: 9)
            var weights = TinyModel()
            let query = "base_model.model.bert.encoder.layer.0.attention.self.query"
            weights.add("\(query).lora_A.weight", "F32", [2, 24], &random)
            weights.add("\(query).lora_B.weight", "F32", [24, 2], &random)
            for (name, shape) in names.sorted(by: { $0.key < $1.key }) {
                weights.add("base_model.model.\(name)", "F32", shape, &random)
            }
            let config: JSONValue = [
                "peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["query"], "task_type": "SEQ_CLS",
                "modules_to_save": [.string(module)],
            ]
            try Folder.make(place("a"))
            try place.write(weights.file(0), to: "a/adapter_model.safetensors")
            try place.write(JSONWriter.bytes(of: config, .pretty), to: "a/adapter_config.json")
            let base = TrainingPlace.base("bert-classes")
            let commands = [
                ["pack", place("a"), "--base", base, "-o", place("a.tenon")],
                ["apply", place("a"), "--base", base, "-o", place("merged")],
            ]
            for command in commands {
                if fits { try succeed(command) } else { try expectFailure(65, "base-incompatible", command) }
            }
            guard fits else { return }
            #expect(try labels(of: place("merged"))?.count == 2)
            let diff = try document(try succeed(["diff", place("a"), place("merged"), "--base", base, "--json"]))
            let head = (diff["tensors"]?.array ?? []).filter {
                $0["name"]?.string.map { names.keys.contains($0) } ?? false
            }
            #expect(head.map { $0["status"]?.string } == ["equal", "equal"])
        }
    }
}
