import Files
import JSON
import Support
import Testing

@Suite("Training an adapter")
struct TrainTests {
    /// How a method is asked for, on which base, and what can be done with its adapters.
    struct Way: Sendable, CustomTestStringConvertible {
        let method: [String]
        var base = "llama"
        let word: String
        var isPEFT = true
        var merges = true

        var testDescription: String { method.joined(separator: " ") + " on " + base }
    }

    static let ways = [
        Way(method: ["--method", "lora", "--rank", "4"], word: "lora"),
        Way(
            method: ["--rslora", "--rank", "4", "--set", "rank_pattern={\"down_proj\":2}"], base: "mistral",
            word: "lora"),
        Way(method: ["--bias", "all", "--rank", "4"], base: "qwen2", word: "lora"),
        Way(method: ["--dora", "--rank", "4"], word: "lora"),
        Way(method: ["--method", "ia3"], base: "llama3-rope", word: "ia3"),
        Way(method: ["--method", "prompt-tuning", "--virtual-tokens", "4"], word: "prompt-tuning", merges: false),
        Way(
            method: ["--method", "prefix-tuning", "--virtual-tokens", "4", "--learning-rate", "1e-1"], base: "mistral",
            word: "prefix-tuning", merges: false),
        Way(method: ["--method", "adaption-prompt"], word: "adaption-prompt", merges: false),
        Way(method: ["--method", "bitfit"], base: "qwen2", word: "delta", isPEFT: false),
        Way(method: ["--method", "full", "--learning-rate", "1e-3"], base: "llama-tied", word: "delta", isPEFT: false),
    ]

    @Test("trained, it is whole, better than the base, and the same merged and in PEFT's format", arguments: ways)
    func wholeWay(_ way: Way) throws {
        try inFolder { place in
            let data = try TrainingPlace.data(in: place)
            let base = TrainingPlace.base(way.base)
            let report = try TrainingPlace.train(in: place, base: way.base, way.method)
            let container = place("x.tenon")
            #expect(try place.names() == ["data", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])

            let inspected = try document(try succeed(["inspect", container, "--json"]))
            #expect(inspected["method"]?.string == way.word)
            for key in ["contentDigest", "storedBytes"] { #expect(inspected[key] == report[key]) }
            #expect(inspected["base"]?["root"] == report["baseRoot"])
            #expect(inspected["parameters"] == report["trainableParameters"])
            try succeed(["verify", container, "--base", base])

            let file = data + "/train.jsonl"
            let loss = try TrainingPlace.loss(container, base: base, data: file)
            #expect(loss < (try TrainingPlace.loss(nil, base: base, data: file)) - 0.01)
            if way.isPEFT {
                try succeed(["unpack", container, "-o", place("peft"), "--format", "peft"])
                #expect(try TrainingPlace.loss(place("peft"), base: base, data: file) == loss)
            }
            if way.merges {
                try succeed(["apply", container, "--base", base, "-o", place("merged"), "--dtype", "f32"])
                #expect(abs(try TrainingPlace.loss(nil, base: place("merged"), data: file) - loss) < 1e-4)
            }
        }
    }

    @Test("options may stand in a file, and those of the command line come first")
    func optionFile() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            let text = """
                rank: 2
                alpha: 4
                learning_rate: 1e-4   # the command line has another
                target_modules: [q_proj, v_proj]
                rslora: true
                dora: no
                """
            try place.write(Array(text.utf8), to: "options.yaml")
            let file = try TrainingPlace.train(in: place, ["--config", place("options.yaml")])
            let words = ["--rank", "2", "--alpha", "4", "--target-modules", "q_proj,v_proj", "--rslora"]
            let plain = try TrainingPlace.train(in: place, to: "y.tenon", words)
            #expect(file["contentDigest"] == plain["contentDigest"])
        }
    }

    @Test("the same command gives the same bytes, whatever the machine does", arguments: ways)
    func sameBytes(_ way: Way) throws {
        try inFolder { place in
            try TrainingPlace.data(in: place, valid: 4)
            let more = way.method + ["--steps-per-eval", "5"]
            let first = try TrainingPlace.train(in: place, base: way.base, more + ["--threads", "1"])
            for own in [["--threads", "1"], ["--threads", "2"], ["--grad-checkpoint", "--memory", "32M"]] {
                let again = try TrainingPlace.train(in: place, base: way.base, to: "y.tenon", more + own + ["--force"])
                #expect(again["contentDigest"] == first["contentDigest"], "\(own)")
                #expect(try contents(of: place("y.tenon")) == contents(of: place("x.tenon")), "\(own)")
                #expect(
                    try TrainingPlace.metrics(place("y.metrics.jsonl")).map { $0["evalLoss"] }
                        == TrainingPlace.metrics(place("x.metrics.jsonl")).map { $0["evalLoss"] })
            }
            let other = try TrainingPlace.train(in: place, base: way.base, to: "z.tenon", more + ["--seed", "1"])
            #expect(other["contentDigest"] != first["contentDigest"])
        }
    }

    @Test("with valid.jsonl the best step is kept, and all steps are told of beside")
    func best() throws {
        try inFolder { place in
            let data = try TrainingPlace.data(in: place, valid: 6)
            let report = try TrainingPlace.train(in: place, ["--iters", "40", "--steps-per-eval", "4"])
            let metrics = try TrainingPlace.metrics(place("x.metrics.jsonl"))
            #expect(metrics.compactMap { $0["step"]?.int } == Array(1...40))
            var best = (step: 0, loss: Double.infinity)
            for one in metrics {
                let step = try #require(one["step"]?.int)
                #expect((one["evalLoss"]?.double != nil) == (step % 4 == 0))
                if let loss = one["evalLoss"]?.double, loss < best.loss { best = (step, loss) }
            }
            // Noise cannot be learned: what fits it better fits other noise worse.
            #expect(best.step < 40)
            #expect(report["bestStep"]?.int == best.step && report["bestEvaluation"]?["loss"]?.double == best.loss)
            let loss = try TrainingPlace.loss(place("x.tenon"), base: TrainingPlace.base(), data: data)
            #expect(loss == best.loss)
            let svg = String(decoding: try contents(of: place("x.loss.svg")), as: UTF8.self)
            #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
            #expect(svg.split(separator: "<circle ").count == 11)
        }
    }

    @Test("stops where evaluations no longer get better")
    func earlyStopping() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place, valid: 6)
            let more = ["--iters", "300", "--steps-per-eval", "2", "--early-stopping-patience", "3"]
            let report = try TrainingPlace.train(in: place, more)
            let best = try #require(report["bestStep"]?.int)
            #expect(report["step"]?.int == best + 6)
        }
    }

    @Test("--init goes on from an adapter")
    func goesOn() throws {
        try inFolder { place in
            let data = try TrainingPlace.data(in: place)
            let first = try TrainingPlace.train(in: place, ["--rank", "4", "--alpha", "6"])
            let loss = try TrainingPlace.loss(
                place("x.tenon"), base: TrainingPlace.base(), data: data + "/train.jsonl")
            let second = try TrainingPlace.train(
                in: place, to: "y.tenon", ["--init", place("x.tenon"), "--batch-size", "10"])
            let begin = try TrainingPlace.metrics(place("y.metrics.jsonl"))[0]["loss"]?.double
            #expect(abs(try #require(begin) - loss) < 1e-5)
            #expect(try #require(second["loss"]?.double) < loss)
            #expect(second["trainableParameters"] == first["trainableParameters"])
            try succeed(["unpack", place("y.tenon"), "-o", place("peft")])
            let config = try JSONValue.parse(contents(of: place("peft/adapter_config.json")))
            #expect(config["r"]?.int == 4 && config["lora_alpha"]?.double == 6)
        }
    }

    @Test("the keys that scripts rely on")
    func keys() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place, valid: 3)
            let report = try TrainingPlace.train(in: place)
            for key in ["step", "loss", "learningRate", "tokensPerSecond", "peakMemoryBytes", "evalLoss"] {
                #expect(report[key]?.double ?? -1 > 0, "\(key)")
            }
            for key in ["contentDigest", "baseRoot"] { #expect(report[key]?.string?.count == 64) }
            #expect(report["output"]?.string == place("x.tenon") && report["bestStep"]?.int == 12)
            let size = try InputFile(path: place("x.tenon")).size
            #expect(report["storedBytes"]?.int == size)
            let lines = try contents(of: place("x.metrics.jsonl")).split(separator: UInt8(ascii: "\n"))
            for (index, line) in lines.enumerated() {
                let keys = TrainingPlace.metricKeys + (index == 11 ? TrainingPlace.evaluationKeys : [])
                #expect(try JSONValue.parse(Array(line)).object?.keys == keys)
            }
            #expect(lines.count == 12)
        }
    }

    @Test("tells people of steps, evaluations and the result")
    func tells() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place, valid: 3)
            var command = TrainingPlace.command(in: place, ["--steps-per-report", "5", "--steps-per-eval", "6"])
            command.removeAll { $0 == "--quiet" }
            let run = try succeed(command)
            let steps = run.errors.matches(of: #/tenon: step (\d+)/12: loss/#).map { String($0.output.1) }
            #expect(steps == ["1", "5", "10", "12"])
            #expect(run.errors.contains("tokens/s, ") && run.errors.contains(" left\n"))
            #expect(run.errors.split(separator: "evaluation loss ").count == 3)
            #expect(run.output.contains("wrote \(place("x.tenon")): lora, ") && run.output.contains("kept step "))
        }
    }

    @Test("the rate rises and falls as it was asked to")
    func rates() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            for (warmup, name) in [("2", "x"), ("0.34", "y")] {
                _ = try TrainingPlace.train(
                    in: place, to: name + ".tenon",
                    ["--iters", "6", "--warmup", warmup, "--lr-schedule", "linear", "--learning-rate", "0.5"])
                let rates = try TrainingPlace.metrics(place(name + ".metrics.jsonl")).map { $0["learningRate"]?.double }
                #expect(rates == [0, 0.25, 0.5, 0.375, 0.25, 0.125])
            }
        }
    }

    @Test("epochs count batches, of which the last of each has the rows that are left")
    func epochs() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            let run = try succeed([
                "train", "--base", TrainingPlace.base(), "--data", place("data"), "-o", place("x.tenon"), "--epochs",
                "1.5", "--batch-size", "3", "--json",
            ])
            #expect(try document(run)["step"]?.int == 6)
        }
    }

    @Test("text is read by the base's tokenizer")
    func text() throws {
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
            let lines = ["A tenon fits one mortise.", "naïve — 12 €", "\\n\\tlet x = 1"].map {
                "{\"text\":\"\($0)\"}\n"
            }
            try place.write(Array(lines.joined().utf8), to: "text.jsonl")
            let arguments = [
                "train", "--base", base, "--data", place("text.jsonl"), "-o", place("x.tenon"), "--iters", "20",
                "--learning-rate", "1e-2", "--json",
            ]
            let run = try succeed(arguments)
            #expect(!run.errors.contains("warning"), "\(run.errors)")
            let before = try TrainingPlace.loss(nil, base: base, data: place("text.jsonl"))
            #expect(try TrainingPlace.loss(place("x.tenon"), base: base, data: place("text.jsonl")) < before - 0.1)
        }
    }

    @Test("a list of words beside the base is a tokenizer too")
    func words() throws {
        try inFolder { place in
            let base = place("base")
            try copyFolder(TrainingPlace.base(), to: base)
            let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "ten", "##on", "fits", "one", "."]
            try writeFile(Array(words.joined(separator: "\n").utf8), to: base + "/vocab.txt")
            try place.write(Array("{\"text\":\"A tenon fits one.\"}\n".utf8), to: "text.jsonl")
            let run = try document(succeed(["eval", "--base", base, "--data", place("text.jsonl"), "--json"]))
            // [CLS] a ten ##on fits one . [SEP] and what the config ends a text with, each but the first predicted.
            #expect(run["tokens"]?.int == 8)
        }
    }

    @Test("an output that is there is kept, and a dry run writes nothing")
    func outputs() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            let run = try succeed(TrainingPlace.command(in: place, ["--dry-run"]))
            #expect(run.output.contains("would train 12 steps on 10 rows") && run.output.contains("of memory"))
            #expect(try place.names() == ["data"])
            try place.write([7], to: "x.tenon")
            try expectFailure(73, "output-exists", TrainingPlace.command(in: place))
            try expectFailure(73, "output-exists", TrainingPlace.command(in: place, ["--dry-run"]))
            #expect(try contents(of: place("x.tenon")) == [7])
            try expectFailure(73, "cannot-create", TrainingPlace.command(in: place, to: "no/x.tenon"))
            #expect(try place.names() == ["data", "x.tenon"])
            try succeed(TrainingPlace.command(in: place, ["--force"]))
            try succeed(["verify", place("x.tenon")])
        }
    }
}
