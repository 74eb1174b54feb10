import Adapters
import Architectures
import Checkpoints
import Diagnostics
import Insertions
import Kernels
import Networks
import Tensors
import Testing
import Training

/// What is written of adapters that train otherwise than they lie in files.
struct FinishedTests {
    private func trained(_ one: TinyCase, steps: Int = 6) throws -> (model: TrainedModel, batchLogits: Matrix<Float>) {
        let engine = Engine<Float>(threads: 1)
        var options = TrainingOptions(one.method)
        options.parameters = one.parameters
        options.steps = steps
        options.seed = 7
        options.optimizer.learningRate = 1e-2
        let model = try TrainedModel(Golden.checkpoint(one.base), options, initial: nil, length: 64, engine)
        try model.initialize(on: [Golden.batch()], engine)
        let trainer = Trainer(model.network, model.inserted, options, memory: Trainer.PassMemory(), engine)
        for step in 1...steps {
            _ = try trainer.step(step, on: TinyRun.rows(6, longest: 20, seed: UInt64(step)))
        }
        return (model, model.network.logits(Golden.batch(), engine))
    }

    @Test("what is written computes what was trained", arguments: [.eva, .pissa, .adalora, .shira] as [TinyCase])
    func written(_ one: TinyCase) throws {
        let (model, logits) = try trained(one)
        let adapter = try model.adapter()
        let again = try TrainedModel(Golden.checkpoint(one.base), adapter, length: 64, Engine(threads: 1))
        let own = again.network.logits(Golden.batch(), Engine(threads: 1)).values
        #expect(distance(own, logits.values.map(Double.init)) < 1e-5)
        // Nothing is lost on the way once more.
        let twice = try again.adapter()
        #expect(twice.parameters == adapter.parameters && twice.entries.map(\.key) == adapter.entries.map(\.key))
        for (a, b) in zip(twice.entries, adapter.entries) {
            #expect(a.parameters == b.parameters && a.tensors.map(\.role) == b.tensors.map(\.role))
            for (a, b) in zip(a.tensors, b.tensors) {
                #expect(try a.source.shape == b.source.shape && a.source.readAll() == b.source.readAll())
            }
        }
    }

    @Test("an adapter of PiSSA is a LoRA of twice the rank", arguments: [false, true])
    func doubled(rankStabilized: Bool) throws {
        let one = TinyCase(
            "pissa", LoRA(),
            [
                "r": 3, "lora_alpha": 6, "init_lora_weights": "pissa", "use_rslora": .bool(rankStabilized),
                "target_modules": ["q_proj", "v_proj"], "rank_pattern": ["v_proj": 2], "alpha_pattern": ["v_proj": 5],
            ])
        let (model, logits) = try trained(one)
        let adapter = try model.adapter()
        #expect(adapter.parameters["r"] == 6 && adapter.parameters["init_lora_weights"] == nil)
        #expect(adapter.parameters["rank_pattern"] == ["v_proj": 4])
        let factor = rankStabilized ? 2.0.squareRoot() : 2
        #expect(adapter.parameters["lora_alpha"] == .number(6 * factor))
        #expect(adapter.parameters["alpha_pattern"] == ["v_proj": .number(5 * factor)])
        let again = try TrainedModel(Golden.checkpoint(one.base), adapter, length: 64, Engine(threads: 1))
        let own = again.network.logits(Golden.batch(), Engine(threads: 1)).values
        #expect(distance(own, logits.values.map(Double.init)) < 1e-5)
    }

    @Test("AdaLoRA ends with as many triplets as its target allows") func pruned() throws {
        let one = TinyCase("adalora", AdaLoRA(), ["init_r": 4, "target_r": 1, "tinit": 1, "tfinal": 2])
        let adapter = try trained(one, steps: 8).model.adapter()
        let ranks = adapter.entries.map { $0[.e]?.shape.dimensions[0] ?? 0 }
        #expect(ranks.count == 14 && ranks.reduce(0, +) == 14 && Set(ranks).count > 1)
        let pattern = try #require(adapter.parameters["rank_pattern"]?.map)
        #expect(pattern.map { $0.value.list?.count { $0 == true } } == ranks)
        #expect(pattern.allSatisfy { $0.value.list?.count == 4 })
        for (entry, rank) in zip(adapter.entries, ranks) where rank == 0 {
            #expect(entry.tensors.isEmpty && entry.parameters.emptyTensors?.count == 3)
        }
        #expect(ranks.contains(0), "none was pruned altogether: choose another seed")
        // It can be trained further, and what was pruned altogether stays.
        var options = TrainingOptions(AdaLoRA())
        options.parameters = adapter.parameters
        options.steps = 2
        let engine = Engine<Float>(threads: 1)
        let model = try TrainedModel(Golden.checkpoint("llama"), options, initial: adapter, length: 64, engine)
        let trainer = Trainer(model.network, model.inserted, options, memory: Trainer.PassMemory(), engine)
        _ = try trainer.step(1, on: TinyRun.rows(6, longest: 20, seed: 1))
        let further = try model.adapter()
        #expect(further.entries.map(\.key) == adapter.entries.map(\.key))
        for (entry, rank) in zip(further.entries, ranks) { #expect((entry[.e]?.shape.dimensions[0] ?? 0) <= rank) }
    }

    @Test("an adapter without a step keeps all triplets") func untrained() throws {
        let engine = Engine<Float>(threads: 1)
        var options = TrainingOptions(AdaLoRA())
        options.parameters["init_r"] = 4
        let adapter = try TrainedModel(Golden.checkpoint("llama"), options, initial: nil, length: 64, engine).adapter()
        #expect(adapter.parameters["rank_pattern"] == nil)
        #expect(adapter.entries.allSatisfy { $0[.e]?.shape.dimensions[0] == 4 })
    }

    @Test("places of SHiRA are drawn once each, and lie in their order") func places() throws {
        let engine = Engine<Float>(threads: 1)
        var options = TrainingOptions(SHiRA())
        options.parameters["r"] = 4
        let adapter = try TrainedModel(Golden.checkpoint("llama"), options, initial: nil, length: 64, engine).adapter()
        var drawn: Set<[Int]> = []
        for entry in adapter.entries {
            let source = try #require(entry[.indices])
            let bytes = try source.readAll()
            let numbers = stride(from: 0, to: bytes.count, by: 4).map { place in
                (0..<4).reduce(0) { (sum: Int, byte: Int) -> Int in sum | Int(bytes[place + byte]) << (8 * byte) }
            }
            let base = try #require(Golden.checkpoint("llama")[entry.key.target]).shape.dimensions
            let count = 4 * (base[0] + base[1])
            #expect(source.shape.dimensions == [2, count] && entry[.value]?.shape.dimensions == [count])
            let places = (0..<count).map { numbers[$0] * base[1] + numbers[count + $0] }
            #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
            #expect(
                numbers.prefix(count).allSatisfy { $0 < base[0] } && numbers.suffix(count).allSatisfy { $0 < base[1] })
            // Every row has its share.
            #expect(Set(numbers.prefix(count)).count > base[0] * 9 / 10)
            drawn.insert(places)
        }
        #expect(drawn.count == adapter.entries.count)
    }

    @Test(
        "configs that cannot be trained",
        arguments: [
            TinyCase("eva with another rho", LoRA(), ["init_lora_weights": "eva", "eva_config": ["rho": 2]]),
            TinyCase("eva with whitening", LoRA(), ["init_lora_weights": "eva", "eva_config": ["whiten": true]]),
            TinyCase("another beginning", LoRA(), ["init_lora_weights": "olora"]),
            TinyCase("pissa with dora", LoRA(), ["init_lora_weights": "pissa", "use_dora": true]),
            TinyCase("adalora with dora", AdaLoRA(), ["use_dora": true]),
            TinyCase("adalora without a step to prune in", AdaLoRA(), ["tinit": 4, "tfinal": 2]),
            TinyCase("adalora with a decay of one", AdaLoRA(), ["beta1": 1]),
            TinyCase("adalora of a rank too large", AdaLoRA(), ["init_r": 40]),
            TinyCase("shira with more than there is", SHiRA(), ["r": 32]),
            TinyCase("shira with another mask", SHiRA(), ["r": 2, "mask_type": "grid"]),
        ])
    func refused(_ one: TinyCase) throws {
        let failure = #expect(throws: Failure.self) { try one.insert(Engine<Float>(threads: 1)) }
        #expect(failure?.code == .badParameter)
    }

    @Test("modules that would be trained whole beside it", arguments: TrainableMethods.all.map(\.word))
    func modulesToSave(_ word: String) throws {
        let method = try #require(TrainableMethods.named(word))
        let one = TinyCase(word, method, on: "qwen2", ["modules_to_save": ["lm_head"]])
        let failure = #expect(throws: Failure.self) { try one.insert(Engine<Float>(threads: 1)) }
        #expect(failure?.code == .badParameter && failure?.object == "modules_to_save")
    }

    @Test("norms by their names") func norms() throws {
        func targets(_ parameters: Parameters) throws -> [String] {
            try TinyCase("ln-tuning", LNTuning(), parameters).insert(Engine<Float>(threads: 1)).inserted.tensors.map {
                $0.key.target
            }
        }
        #expect(try targets([:]).count == 5)
        #expect(try targets(["target_modules": ["norm"]]) == ["model.norm.weight"])
        #expect(throws: Failure.self) { try targets(["target_modules": ["q_proj"]]) }

        let base = try Golden.checkpoint("llama")
        let shapes = try NetworkArchitecture(of: base).shapes(in: base)
        try shapes.check(["target_modules": ["norm", "input_layernorm"]], of: LNTuning(), layers: 2)
        let failure = #expect(throws: Failure.self) {
            try shapes.check(["target_modules": ["norm", "q_proj"]], of: LNTuning(), layers: 2)
        }
        #expect(failure?.code == .usage && failure?.object == "q_proj")
        try shapes.check(["target_modules": "self_attn"], of: AdaptionPrompt(), layers: 2)
    }
}
