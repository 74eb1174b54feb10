import Adapters
import Diagnostics
import Files
import Support
import Tensors
import Testing

import Interchange

@Suite("Traps")
struct TrapTests {
    private let prefix = SyntheticFolder.prefix

    private func codes(_ folder: SyntheticFolder) throws -> [String] {
        try PEFTFolder.read(folder.path).findings.map(\.code)
    }

    @Test("a plain adapter has none")
    func plain() throws {
        let folder = try SyntheticFolder(
            config: SyntheticFolder.loraConfig, tensors: SyntheticFolder.lora("q_proj") + SyntheticFolder.lora("v_proj")
        )
        #expect(try codes(folder) == [])
    }

    @Test(
        "a start that changes the base is told",
        arguments: ["pissa", "pissa_niter_4", "olora", "corda", "loftq", "lora_ga", "unheard_of"])
    func changedBase(start: String) throws {
        let config = #"{"peft_type":"LORA","r":2,"init_lora_weights":"\#(start)"}"#
        let folder = try SyntheticFolder(config: config, tensors: SyntheticFolder.lora("q_proj"))
        #expect(try codes(folder) == ["base-changed"])
    }

    @Test("KaSA's truncated base is told")
    func kasa() throws {
        let config = #"{"peft_type":"LORA","r":2,"kasa_config":{"beta":0.1}}"#
        let tensors = SyntheticFolder.lora("q_proj") + [(prefix + "q_proj.lora_diag", [2])]
        #expect(try codes(SyntheticFolder(config: config, tensors: tensors)) == ["base-changed"])
    }

    @Test("an adapter's name in the keys is taken out")
    func strayName() throws {
        let stray = try SyntheticFolder(
            config: SyntheticFolder.loraConfig, tensors: SyntheticFolder.lora("q_proj", infix: ".default"))
        let read = try PEFTFolder.read(stray.path)
        #expect(read.findings.map(\.code) == ["stray-adapter-name"])
        #expect(read.adapter.entries.contains { $0.key.target == "model.layers.0.self_attn.q_proj.weight" })
        let frame = read.adapter.entries.first { $0.key.target == "adapter_model.safetensors" }?[.frame]
        #expect(frame != nil, "the header that was must be kept")
    }

    @Test("the prefix twice is taken once")
    func doublePrefix() throws {
        let tensors = SyntheticFolder.lora("q_proj", prefix: "base_model.model." + prefix)
        let folder = try SyntheticFolder(config: SyntheticFolder.loraConfig, tensors: tensors)
        let read = try PEFTFolder.read(folder.path)
        #expect(read.findings.map(\.code) == ["double-prefix"])
        #expect(read.adapter.entries.contains { $0.key.target == "model.layers.0.self_attn.q_proj.weight" })
    }

    @Test("factors that are all zero are told")
    func untrained() throws {
        let tensors = SyntheticFolder.lora("q_proj") + SyntheticFolder.lora("v_proj")
        let folder = try SyntheticFolder(
            config: SyntheticFolder.loraConfig, tensors: tensors, zero: [prefix + "v_proj.lora_B.weight"])
        let read = try PEFTFolder.read(folder.path)
        #expect(read.findings.map(\.code) == ["untrained"])
        #expect(read.findings.first?.message.contains("1 of 2") == true)
    }

    @Test("factors without elements are told and kept")
    func emptyFactors() throws {
        let tensors = [(prefix + "q_proj.lora_A.weight", [0]), (prefix + "q_proj.lora_B.weight", [8, 0])]
        let folder = try SyntheticFolder(config: SyntheticFolder.loraConfig, tensors: tensors)
        let read = try PEFTFolder.read(folder.path)
        #expect(read.findings.map(\.code) == ["empty-tensor"])
        let entry = try #require(read.adapter.entries.first { $0.key.kind == .lora })
        #expect(entry.tensors.isEmpty)
        #expect(entry.parameters.emptyTensors?.map(\.shape) == [[0], [8, 0]])
    }

    @Test("biases that the config promises are missed")
    func biases() throws {
        let config = #"{"peft_type":"LORA","r":2,"bias":"lora_only"}"#
        #expect(
            try codes(SyntheticFolder(config: config, tensors: SyntheticFolder.lora("q_proj"))) == ["biases-missing"])
    }

    @Test("the state of a training run stays behind and is named")
    func skipped() throws {
        let folder = try SyntheticFolder(config: SyntheticFolder.loraConfig, tensors: SyntheticFolder.lora("q_proj"))
        for name in ["optimizer.pt", "training_args.bin", "rng_state_0.pth", "scheduler.pt", "a.lock", "README.md"] {
            try folder.place.write([1, 2, 3], to: name)
        }
        try folder.place.write([], to: "empty.txt")
        try Folder.make(folder.place("checkpoint-1"))
        let read = try PEFTFolder.read(folder.path)
        #expect(read.findings.map(\.code) == ["file-skipped"])
        #expect(
            read.skipped == [
                "a.lock", "checkpoint-1", "optimizer.pt", "rng_state_0.pth", "scheduler.pt", "training_args.bin",
            ])
        let files = read.adapter.entries.filter { $0.key.kind == .file }.map(\.key.target)
        #expect(files == ["README.md", "adapter_config.json", "adapter_model.safetensors", "empty.txt"])
    }

    @Test("two files of weights: PEFT's choice, and the other goes along")
    func twoWeights() throws {
        let folder = try SyntheticFolder(config: SyntheticFolder.loraConfig, tensors: SyntheticFolder.lora("q_proj"))
        try folder.place.write([1], to: "adapter_model.bin")
        #expect(try codes(folder) == ["two-weights"])
    }
}
