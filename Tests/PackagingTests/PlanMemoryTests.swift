import Adapters
import Architectures
import Diagnostics
import Packaging
import Tensors
import Testing

@Suite("Bytes of plans")
struct PlanMemoryTests {
    private func setup(_ change: (inout TrainingSetup) -> Void = { _ in }) -> TrainingSetup {
        var setup = TrainingSetup()
        change(&setup)
        return setup
    }

    private func bytes(
        _ model: String, _ method: String, _ parameters: Parameters = [:], _ setup: TrainingSetup
    ) throws -> [Int] {
        try PlanModels.plan(model, method, parameters, setup: setup).memory.parts.map { try $0.formula.value() }
    }

    @Test("an adapter's file: 16.8 MB in fp32, 8.4 in bf16")
    func adapters() throws {
        #expect(try PlanModels.plan("llama-7b", "lora").adapterBytes == 16_777_216)
        let half = try PlanModels.plan("llama-7b", "lora", setup: setup { $0.dtype = .bf16 })
        #expect(half.adapterBytes == 8_388_608)
        #expect(half.baseBytes == 13_476_831_232)
        #expect(abs(half.trainableShare - 4_194_304 / 6_742_609_920) < 1e-15)
    }

    @Test("full fine-tuning of 7 B in fp32 with AdamW: 16 bytes a parameter, 107.8 GB")
    func full() throws {
        let parts = try bytes("llama-7b", "full", [:], setup())
        #expect(parts[0] + parts[1] + parts[2] == 107_814_649_856)
        let gpt2 = try bytes("gpt2", "full", [:], setup())
        #expect(gpt2[0] + gpt2[1] + gpt2[2] == 1_991_036_928)
        // In 16 bits 12 bytes a parameter, as QLoRA's authors count 780 GB for 65 B.
        let half = try bytes("llama-65b", "full", [:], setup { $0.dtype = .f16 })
        #expect(half[0] + half[1] + half[2] == 12 * 65_285_660_672)
    }

    @Test("NF4 with double quantization: LLaMA-65B takes 33.41 GB in linear layers and 34.46 GB in all")
    func quantized() throws {
        let plan = try PlanModels.plan("llama-65b", "qlora", setup: setup { $0.dtype = .bf16 })
        let base = try plan.memory.weights.value() - 4 * plan.trainableParameters
        #expect(base == 34_458_927_104)
        let rest = 2 * (2 * 32_000 * 8192 + 161 * 8192)
        #expect(base - rest == 33_407_713_280)
        let small = try PlanModels.plan("llama-7b", "qlora", setup: setup { $0.dtype = .bf16 })
        #expect(small.trainableParameters == 19_988_480)
        #expect(try small.memory.weights.value() - 4 * 19_988_480 == 3_865_591_808)
    }

    @Test("what is kept for the backward pass, in numbers a token")
    func activations() throws {
        func perToken(_ model: String, checkpoints: Bool = false, head: ModelHead = .none) throws -> Int {
            let one = setup {
                $0.length = 1
                $0.checkpoints = checkpoints
            }
            return try PlanModels.plan(model, "lora", head: head, setup: one).memory.activations.value() / 4
        }
        #expect(try perToken("gpt2") == 92_160)
        #expect(try perToken("llama-7b") == 1_490_944)
        #expect(try perToken("llama-7b", checkpoints: true) == 131_072 + 46_592)
        #expect(try perToken("bert-base") == 12 * 10 * 768)
        // An encoder's block keeps 10 d, a decoder's 5 d more: a stream, its queries and outputs, the encoder's keys and values.
        #expect(try perToken("t5-base") == 12 * 10 * 768 + 12 * 15 * 768)
        // One stream less where attention and MLP stand side by side, keys of one head.
        #expect(try perToken("falcon-7b") == 32 * (4544 + 2 * 4544 + 2 * 64 + 4 * 4544))
    }

    @Test("logits in chunks, virtual tokens, bottlenecks")
    func additions() throws {
        let plain = try bytes("llama-7b", "lora", [:], setup { $0.dtype = .bf16 })
        // 32,000 / 4096 is 8 rounded up: 512 rows in chunks of 64.
        #expect(plain[3] == 2 * 512 * 1_490_944 + 4 * 64 * 32_000)
        let prompt = try bytes("llama-7b", "prompt-tuning", [:], setup { $0.dtype = .bf16 })
        #expect(prompt[3] == 2 * 532 * 1_490_944 + 4 * 64 * 32_000)
        let deep = try bytes("llama-7b", "houlsby", ["bottleneck_size": 64], setup { $0.dtype = .bf16 })
        #expect(deep[3] == plain[3] + 2 * 512 * 64 * 64)
    }

    @Test(
        "optimizers",
        arguments: [
            (TrainingSetup.Optimizer.adamW, 8 * 4_194_304), (.lion, 4 * 4_194_304), (.momentum, 4 * 4_194_304),
            (.sgd, 0),
            (.adafactor, 4 * 64 * 2 * (4096 + 8)),
        ])
    func optimizers(optimizer: TrainingSetup.Optimizer, states: Int) throws {
        #expect(try bytes("llama-7b", "lora", [:], setup { $0.optimizer = optimizer })[2] == states)
    }

    @Test("many tasks: as many copies, or one base and as many adapters")
    func tasks() throws {
        let plan = try PlanModels.plan("llama-7b", "lora", setup: setup { $0.dtype = .bf16 }, tasks: 100)
        #expect(plan.fullCopiesBytes == 100 * 13_476_831_232)
        #expect(plan.adaptersBytes == 13_476_831_232 + 100 * 8_388_608)
        #expect(abs(plan.savedShare - (1 - Double(plan.adaptersBytes) / Double(plan.fullCopiesBytes))) < 1e-15)
        let full = try PlanModels.plan("llama-7b", "full", tasks: 3)
        #expect(full.adaptersBytes == full.fullCopiesBytes && full.savedShare == 0)
    }

    @Test("memory is the sum of its parts")
    func sum() throws {
        for method in PlannedMethod.all where method.word != "bitfit" {
            let plan = try PlanModels.plan("llama-7b", method.word)
            #expect(
                try plan.memory.total.value() == plan.memory.parts.reduce(0) { try $0 + $1.formula.value() })
        }
    }

    @Test("what does not fit is refused")
    func refused() throws {
        func code(_ method: String, _ parameters: Parameters, model: String = "llama-7b") -> Failure.Code? {
            #expect(throws: Failure.self) { try PlanModels.trained(model, method, parameters) }?.code
        }
        #expect(code("lora", ["target_modules": .names("q_porj")]) == .usage)
        #expect(code("lora", ["target_modules": "nothing.*"]) == .usage)
        #expect(code("lora", ["target_modules": "(("]) == .configInvalid)
        #expect(code("lora", ["r": 0]) == .badParameter)
        #expect(code("lora", ["r": -1]) == .badParameter)
        #expect(code("lora", ["r": .int(.max)]) == .badParameter)
        #expect(code("lora", ["rank_pattern": .map([.init("q_proj", -5)])]) == .badParameter)
        #expect(code("lora", ["target_parameters": .names("mlp")]) == .badParameter)
        #expect(code("shira", ["r": 3000]) == .badParameter)
        #expect(code("fourierft", ["n_frequency": .int(1 << 31)]) == .badParameter)
        #expect(code("vblora", ["vector_length": 1000]) == .badParameter)
        #expect(code("oft", ["r": 8, "oft_block_size": 8]) == .badParameter)
        #expect(code("adaption-prompt", ["adapter_layers": 33]) == .badParameter)
        #expect(code("prompt-tuning", ["num_virtual_tokens": .int(1 << 40)]) == .badParameter)
        #expect(code("houlsby", ["reduction_factor": 0]) == .badParameter)
        #expect(code("bitfit", [:]) == .usage)
        var quantized = TrainingSetup()
        quantized.quantizesBase = true
        #expect(throws: Failure.self) { try PlanModels.plan("llama-7b", "full", setup: quantized) }
    }

    @Test("every method of adapters has a size but the difference of checkpoints")
    func all() {
        #expect(Method.all.filter { $0.sizing == nil }.map(\.word) == ["delta"])
        #expect(Set(PlannedMethod.all.map(\.word)).count == PlannedMethod.all.count)
    }
}
