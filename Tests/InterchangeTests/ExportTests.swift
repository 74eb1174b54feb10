import Adapters
import Checkpoints
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

import Interchange

@Suite("Exports")
struct ExportTests {
    private func tensor(_ values: [Float], _ shape: Shape) throws -> TensorBuffer {
        try TensorBuffer(
            dtype: .f32, shape: shape,
            bytes: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
    }

    private func lora(_ parameters: Parameters) throws -> Adapter {
        let entry = AdapterEntry(
            key: EntryKey("model.q_proj.weight", .lora),
            tensors: [RoleTensor(.a, try tensor([1, 2], [1, 2])), RoleTensor(.b, try tensor([3, 5], [2, 1]))])
        return Adapter(method: "lora", parameters: parameters, entries: [entry])
    }

    private func vllm(_ adapter: Adapter, _ place: TemporaryFolder) throws -> [Finding] {
        let folder = try OutputFolder.create(at: place("out"), replacing: false, durability: .none)
        let findings = try VLLMFolder.write(adapter, to: folder, lanes: Lanes(count: 1))
        try folder.commit()
        return findings
    }

    @Test("a config that contradicts the parameters is refused, naming the key")
    func conflict() throws {
        var adapter = try PEFTFolder.read(FixtureFolders.path("lora-llama")).adapter
        try PEFTFolder.checkConflict(adapter)
        adapter.parameters["lora_alpha"] = 7
        do throws(Failure) {
            try PEFTFolder.checkConflict(adapter)
            Issue.record("the conflict was not seen")
        } catch {
            #expect(error.code == .configConflict && error.object == "lora_alpha")
        }
        adapter = try PEFTFolder.read(FixtureFolders.path("lora-llama")).adapter
        adapter.parameters["use_rslora"] = true
        #expect(failureCode { try PEFTFolder.checkConflict(adapter) } == .configConflict)
    }

    @Test("a config that contradicts the parameters is seen whatever is written")
    func conflictElsewhere() throws {
        var adapter = try PEFTFolder.read(FixtureFolders.path("lora-llama")).adapter
        adapter.parameters["lora_alpha"] = 7
        let place = try TemporaryFolder()
        let lanes = Lanes(count: 1)
        let folder = try OutputFolder.create(at: place("out"), replacing: false, durability: .none)
        #expect(failureCode { try VLLMFolder.write(adapter, to: folder, lanes: lanes) } == .configConflict)
        try VLLMFolder.write(adapter, to: folder, lanes: lanes, ignoringOriginal: true)
        let file = try OutputFile.create(at: place("x.safetensors"), replacing: false, durability: .none)
        #expect(failureCode { try SafetensorsExport.write(adapter, to: file, lanes: lanes) } == .configConflict)
        try SafetensorsExport.write(adapter, to: file, lanes: lanes, ignoringOriginal: true)
    }

    @Test("a file's name must not lead out of the folder", arguments: ["../x", "a/b", "..", ".", "/etc/x"])
    func escape(name: String) throws {
        var adapter = try lora(["r": 1])
        adapter.entries.append(
            AdapterEntry(key: EntryKey(name, .file), parameters: ["layout": "verbatim"], tensors: []))
        let place = try TemporaryFolder()
        let folder = try OutputFolder.create(at: place("out"), replacing: false, durability: .none)
        let code = failureCode { try PEFTFolder.write(adapter, to: folder, lanes: Lanes(count: 1)) }
        #expect(code == .badName)
    }

    /// An adapter whose factors were narrowed since it was read: the original's bytes cannot be had again.
    private func narrowed(_ name: String) throws -> Adapter {
        var adapter = try PEFTFolder.read(FixtureFolders.path(name)).adapter
        for index in adapter.entries.indices where adapter.entries[index].key.kind == .lora {
            let entry = adapter.entries[index]
            var tensors: [RoleTensor] = []
            for tensor in entry.tensors {
                let bytes = [UInt8](repeating: 1, count: tensor.source.byteCount / 2)
                let narrow = try TensorBuffer(dtype: .bf16, shape: tensor.source.shape, bytes: bytes)
                tensors.append(RoleTensor(tensor.role, narrow))
            }
            adapter.entries[index] = AdapterEntry(key: entry.key, parameters: entry.parameters, tensors: tensors)
        }
        return adapter
    }

    @Test("an original whose tensors have changed is made anew")
    func rebuilt() throws {
        var adapter = try narrowed("lora-llama")
        let frame = try SyntheticFolder.safetensors([("x", [1])]).dropLast(4)
        let source = try TensorBuffer(dtype: .u8, shape: [frame.count], bytes: Array(frame))
        for index in adapter.entries.indices where adapter.entries[index].parameters["layout"] != nil {
            let entry = adapter.entries[index]
            adapter.entries[index] = AdapterEntry(
                key: entry.key, parameters: entry.parameters, tensors: [RoleTensor(.frame, source)])
        }
        let place = try TemporaryFolder()
        let folder = try OutputFolder.create(at: place("out"), replacing: false, durability: .none)
        let findings = try PEFTFolder.write(adapter, to: folder, lanes: Lanes(count: 1))
        try folder.commit()
        #expect(findings.map(\.code) == ["weights-rebuilt"])
        #expect(
            try PEFTFolder.read(place("out")).adapter.entries.contains { $0[.a]?.dtype == .bf16 })
    }

    @Test("a spliced original whose tensors have changed is refused, and made anew where it is not asked for")
    func resized() throws {
        let adapter = try narrowed("lora-pickle")
        let place = try TemporaryFolder()
        let first = try OutputFolder.create(at: place("first"), replacing: false, durability: .none)
        let code = failureCode { try PEFTFolder.write(adapter, to: first, lanes: Lanes(count: 1)) }
        #expect(code == .badParameter)
        let second = try OutputFolder.create(at: place("second"), replacing: false, durability: .none)
        try PEFTFolder.write(adapter, to: second, lanes: Lanes(count: 1), ignoringOriginal: true)
    }

    @Test("an attention that PEFT wraps as a whole gives its factors to in_proj_weight")
    func attention() throws {
        let prefix = "base_model.model.block.attn"
        let tensors = ["lora_A.weight", "lora_B.weight"].flatMap { suffix in
            ["\(prefix).\(suffix)", "\(prefix).base_layer.out_proj.\(suffix)"].map { ($0, [2, 2]) }
        }
        let source = try SyntheticFolder(config: #"{"peft_type":"LORA","r":2}"#, tensors: tensors)
        let read = try PEFTFolder.read(source.path).adapter
        let targets = read.entries.filter { $0.key.kind == .lora }.map(\.key.target)
        #expect(targets == ["block.attn.in_proj_weight", "block.attn.out_proj.weight"])
        let file = try #require(read.entries.first { $0.key.target == "adapter_model.safetensors" })
        #expect(file.tensors.isEmpty, "the same keys are made again")
    }

    @Test("vLLM: plain LoRA goes as it is")
    func plain() throws {
        let place = try TemporaryFolder()
        let adapter = try lora(["r": 1, "lora_alpha": 3, "target_modules": .list(["q_proj"])])
        #expect(try vllm(adapter, place) == [])
        let again = try PEFTFolder.read(place("out")).adapter
        #expect(again.parameters == adapter.parameters)
    }

    @Test("vLLM: a scale is folded into B")
    func folding() throws {
        let place = try TemporaryFolder()
        let adapter = try lora(["r": 1, "lora_alpha": 2, "alpha_pattern": .map([.init("q_proj", 4)])])
        let findings = try vllm(adapter, place)
        #expect(findings.map(\.code) == ["scale-folded"] && findings[0].message.contains("exactly"))
        let again = try PEFTFolder.read(place("out")).adapter
        #expect(again.parameters == ["r": 1, "lora_alpha": 1])
        let b = try #require(again.entries.first { $0.key.kind == .lora }?[.b])
        #expect(try b.readAll() == tensor([12, 20], [2, 1]).bytes)
    }

    @Test("vLLM: rounding is told")
    func rounding() throws {
        let place = try TemporaryFolder()
        let findings = try vllm(try lora(["r": 1, "lora_alpha": 2, "alpha_pattern": .map([.init(".*", 0.1)])]), place)
        #expect(findings.first?.message.contains("relative error") == true)
    }

    @Test(
        "vLLM: a scaled bf16 is rounded once",
        arguments: [
            // Just above the middle between 1 and the next, where a float in between would lose what is above.
            (0x3F80, 1 + 0x1p-8 + 0x1p-30, 0x3F81), (0xBF80, 1 + 0x1p-8 + 0x1p-30, 0xBF81),
            // The middles themselves go to even.
            (0x3F80, 1 + 0x1p-8, 0x3F80), (0x3F80, 1 + 0x3p-8, 0x3F82),
            // Beyond the largest; among the subnormal; zero.
            (0x7F7F, 1.5, 0x7F80), (0x7F7F, 1 + 0x1p-20, 0x7F7F), (0x0001, 1.5, 0x0002), (0x0003, 0.5, 0x0002),
            (0x8000, 1.5, 0x8000),
        ])
    func roundedOnce(bits: UInt64, scale: Double, expected: UInt64) throws {
        var adapter = try lora(["r": 1, "lora_alpha": 2, "alpha_pattern": .map([.init("q_proj", .double(scale))])])
        let factor = try TensorBuffer(dtype: .bf16, shape: [1, 1], bytes: .number(bits, 2))
        adapter.entries[0] = AdapterEntry(
            key: adapter.entries[0].key, tensors: [RoleTensor(.a, factor), RoleTensor(.b, factor)])
        let place = try TemporaryFolder()
        _ = try vllm(adapter, place)
        let b = try PEFTFolder.read(place("out")).adapter.entries.first { $0.key.kind == .lora }?[.b]
        #expect(try b?.readAll() == .number(expected, 2))
    }

    @Test(
        "vLLM: refuses what it has no place for",
        arguments: [
            "lora-dora", "lora-bias-all", "lora-modules-to-save", "lora-tokens", "lora-embedding",
            "lora-parameters-experts",
            "lora-lora-bias", "vera", "oft", "prefix", "hira", "lora-kasa", "lora-replication",
        ])
    func refused(name: String) throws {
        let adapter = try PEFTFolder.read(FixtureFolders.path(name)).adapter
        let place = try TemporaryFolder()
        #expect(failureCode { _ = try vllm(adapter, place) } == .notExportable)
    }

    @Test("alpha and rank patterns match as in PEFT")
    func patterns() throws {
        func matches(_ pattern: String, _ path: String) throws -> Bool { try ModulePattern(pattern).matches(path) }
        #expect(try matches("q_proj", "model.layers.0.q_proj"))
        #expect(try matches("q_proj", "q_proj"))
        #expect(try !matches("proj", "model.q_proj"))
        #expect(try matches("layers.1.mlp.down_proj", "model.layers.1.mlp.down_proj"))
        #expect(try matches(#"layers\.\d+\..*o_proj"#, "model.layers.11.self_attn.o_proj"))
        #expect(try matches("^model.q_proj", "model.q_proj"))
        #expect(try !matches("^q_proj", "model.v_proj"))
        #expect(failureCode { _ = try matches("(", "q") } == .configInvalid)
    }

    @Test(
        "one safetensors file holds any adapter, also unknown kinds", arguments: ["lora-llama", "vblora-topk", "hira"])
    func safetensors(name: String) throws {
        var adapter = try PEFTFolder.read(FixtureFolders.path(name)).adapter
        adapter.entries.append(
            AdapterEntry(
                key: EntryKey("x", Kind(rawValue: 999), ordinal: 2), parameters: ["p": 1],
                tensors: [RoleTensor(.value, try TensorBuffer(dtype: .nf4, shape: [2, 2], bytes: [1, 2]))]))
        let place = try TemporaryFolder()
        let output = try OutputFile.create(at: place("all.safetensors"), replacing: false, durability: .none)
        let findings = try SafetensorsExport.write(adapter, to: output, lanes: Lanes(count: 2))
        try output.commit()
        #expect(findings.map(\.code) == ["files-left-out"])
        let file = try SafetensorsFile(InputFile(path: place("all.safetensors")))
        let count = adapter.entries.filter { $0.key.kind != .file }.reduce(0) { $0 + $1.tensors.count }
        #expect(file.tensors.count == count)
        #expect(try file.source(named: "x/unknown-999/2/value")?.readAll() == [1, 2])
        #expect(file.header.metadata?.first { $0.key == "method" }?.value == adapter.method)
    }
}
