import Adapters
import Architectures
import Checkpoints
import Diagnostics
import Files
import Insertions
import JSON
import Kernels
import Layers
import Networks
import Support
import Tensors
import Testing
import Training

/// Encoders and GPT-2, and the heads of all tasks.
@Suite struct NormedNetworkTests {
    private func network<R: Real>(_ base: String, _ type: R.Type) throws -> Network<R> {
        try Network<R>(of: Golden.checkpoint(base), length: 40)
    }

    @Test("where rows lie in a pass changes nothing for them", arguments: TinyCase.tasks.keys.sorted() + ["gpt2"])
    func packed(_ base: String) throws {
        let engine = Engine<Float>(threads: 2)
        let model = try network(base, Float.self)
        let task = TinyCase.tasks[base] ?? .causal
        let hasTypes = base.hasPrefix("bert")
        let together = Golden.batch(for: task, hasTypes: hasTypes)
        let logits = model.logits(together, engine)
        var loss = LossSum()
        for (row, segment) in together.segments.enumerated() {
            let alone = Golden.batch([row], for: task, hasTypes: hasTypes)
            let own = task.isOfRows ? logits.rows(row..<row + 1) : logits.rows(segment)
            #expect(own.values == model.logits(alone, engine).values)
            loss = model.loss(alone, addedTo: loss, engine)
        }
        let whole = model.loss(together, engine)
        #expect(whole.loss == loss.loss && whole.count == loss.count && whole.correct == loss.correct)
    }

    @Test(
        "steps are the same for any split into passes, with and without checkpoints",
        arguments: ["bert-classes", "bert-tokens", "bert-masked", "roberta-value", "gpt2"])
    func split(_ base: String) throws {
        func bits(threads: Int, tokens: Int, checkpoints: Bool) throws -> [[UInt32]] {
            let one = TinyCase("lora", LoRA(), on: base, ["r": 3, "lora_dropout": 0.2])
            let run = try TinyRun(one, threads: threads, tokensPerPass: tokens, checkpoints: checkpoints)
            let rows = Golden.rows.map {
                $0.row(for: TinyCase.tasks[base] ?? .causal, hasTypes: base.hasPrefix("bert"))
            }
            for step in 1...2 { _ = try run.trainer.step(step, on: rows) }
            return run.bits
        }
        let whole = try bits(threads: 1, tokens: 512, checkpoints: false)
        #expect(try bits(threads: 2, tokens: 20, checkpoints: true) == whole)
        #expect(try bits(threads: 3, tokens: 1, checkpoints: false) == whole)
    }

    /// A copy of a base with other names of tensors, or other keys of its config.
    private func rewritten(
        _ base: String, in place: TemporaryFolder, names: (String) -> String?, config changes: [String: JSONValue] = [:]
    ) throws -> Checkpoint {
        let original = try Golden.checkpoint(base)
        let path = Paths.joined(original.folder, "config.json")
        let file = try InputFile(path: path)
        var config = try #require(try JSONValue.parse(file.read(at: 0, count: file.size), path: path).object)
        for (key, value) in changes { config[key] = value }
        try place.write(JSONWriter.bytes(of: .object(config), .compact), to: "config.json")
        var header = JSONObject()
        var data: [UInt8] = []
        for tensor in original.tensors {
            guard let name = names(tensor.name) else { continue }
            let start = data.count
            data += try tensor.source.readAll()
            header[name] = [
                "dtype": "F32", "shape": .array(tensor.shape.dimensions.map { JSONValue($0) }),
                "data_offsets": [JSONValue(start), JSONValue(data.count)],
            ]
        }
        var bytes = JSONWriter.bytes(of: .object(header), .compact)
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
        try place.write(length + bytes + data, to: "model.safetensors")
        return try Checkpoint(path: place.path)
    }

    @Test("names without a model's prefix, and TensorFlow's of norms, are the same model")
    func names() throws {
        let engine = Engine<Float>(threads: 1)
        for (base, prefix) in [
            ("bert-masked", "bert."), ("gpt2", "transformer."), ("roberta-masked", "roberta."),
            ("distilbert-masked", "distilbert."),
        ] {
            let place = try TemporaryFolder()
            let other = try rewritten(base, in: place) { name in
                let bare = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
                if bare.hasSuffix(".LayerNorm.weight") { return bare.dropLast(6) + "gamma" }
                if bare.hasSuffix(".LayerNorm.bias") { return bare.dropLast(4) + "beta" }
                return bare
            }
            let batch = Golden.batch(for: TinyCase.tasks[base] ?? .causal)
            let logits = try Network<Float>(of: other, length: 40).logits(batch, engine).values
            #expect(try logits == network(base, Float.self).logits(batch, engine).values)
        }
    }

    @Test("a head that the base lacks is made, trained and kept", arguments: [ModelTask.classification, .regression])
    func newHead(_ task: ModelTask) throws {
        let engine = Engine<Float>(threads: 1)
        let base = try Golden.checkpoint("bert-masked")
        var options = TrainingOptions(LoRA())
        options.parameters["target_modules"] = "all-linear"
        options.task = task
        options.labels = task == .classification ? 3 : nil
        options.optimizer.learningRate = 1e-2
        let model = try TrainedModel(base, options, initial: nil, length: 40, engine)
        #expect(model.network.sites.saved.madePaths == ["bert.pooler.dense", "classifier"])
        let trainer = Trainer(model.network, model.inserted, options, memory: Trainer.PassMemory(), engine)
        let rows = Golden.rows.map { $0.row(for: task, hasTypes: true) }
        let losses = try (1...30).map { try trainer.step($0, on: rows).loss }
        #expect(losses[29] < 0.2 * losses[0])
        let adapter = try model.adapter()
        #expect(adapter.parameters["task_type"] == "SEQ_CLS")
        #expect(adapter.parameters["modules_to_save"]?.strings == ["classifier", "pooler"])
        #expect(adapter.learned.task == task)
        let again = try TrainedModel(base, adapter, length: 40, engine)
        let batch = Golden.batch(for: task, hasTypes: true)
        #expect(again.network.logits(batch, engine).values == model.network.logits(batch, engine).values)
    }

    @Test func refusals() throws {
        let place = try TemporaryFolder()
        func code(_ changes: [String: JSONValue], task: ModelTask? = nil, on base: String = "bert-masked") throws
            -> Failure.Code?
        {
            let base = try rewritten(base, in: place, names: { $0 }, config: changes)
            do throws(Failure) {
                _ = try NetworkArchitecture(of: base, task: task)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try code(["hidden_act": "relu"]) == .unknownArchitecture)
        #expect(try code(["position_embedding_type": "relative_key"]) == .unknownArchitecture)
        #expect(try code(["is_decoder": true]) == .unknownArchitecture)
        #expect(try code(["layer_norm_eps": -1]) == .configInvalid)
        #expect(try code(["num_attention_heads": 5]) == .configInvalid)
        #expect(try code([:], task: .causal) == .usage)
        #expect(try code(["num_labels": 1], task: .classification) == .usage)
        #expect(try code(["scale_attn_weights": false], on: "gpt2") == .unknownArchitecture)
        #expect(try code([:], task: .masked, on: "gpt2") == .usage)
        for method in [PromptTuning(), PrefixTuning(), AdaptionPrompt()] as [any TrainableMethod] {
            let network = try network("gpt2-classes", Float.self)
            let plan = InsertionPlan(parameters: method.standard)
            let failure = #expect(throws: Failure.self) {
                try method.insert(plan, into: network.sites, Engine<Float>(threads: 1))
            }
            #expect(failure?.code == .notTrainable)
        }
        #expect(throws: Failure.self) {
            try TinyCase("shira", SHiRA(), on: "gpt2").insert(Engine<Float>(threads: 1))
        }
    }
}
