import Files
import JSON
import Support
import Testing

@Suite("Round trips of PEFT's adapters")
struct RoundTripTests {
    private static let weights = "adapter_model.safetensors"

    @Test func allFixturesAreThere() {
        #expect(Fixtures.all.count >= 130)
        #expect(Fixtures.understood.count >= 80)
    }

    @Test("every file comes back byte for byte, from a container hardly larger", arguments: Fixtures.all)
    func identical(name: String) throws {
        try inFolder { place in
            let container = try packed(name, in: place)
            let run = try runTool(["unpack", container, "--format", "peft", "-o", place("out")])
            try #require(run.status == 0, "\(run.errors)")
            let source = try Folder.entries(of: Fixtures.path(name)).filter { $0.kind == .file }
            #expect(try Folder.entries(of: place("out")).map(\.name) == source.map(\.name))
            for entry in source {
                let before = try contents(of: Paths.joined(Fixtures.path(name), entry.name))
                let after = try contents(of: Paths.joined(place("out"), entry.name))
                #expect(before == after, "\(entry.name) differs")
            }
            let size = try InputFile(path: container).size
            #expect(size <= source.reduce(0) { $0 + $1.size } + 512)
        }
    }

    @Test("the tensors come back without the original files", arguments: Fixtures.understood)
    func ignoringOriginal(name: String) throws {
        try inFolder { place in
            let container = try packed(name, in: place)
            let run = try runTool(["unpack", container, "--ignore-original", "-o", place("out")])
            try #require(run.status == 0, "\(run.errors)")
            let source = Paths.joined(Fixtures.path(name), Self.weights)
            guard try exists(source) else { return }
            let before = try Checkpoint(source).tensors
            let after = try Checkpoint(Paths.joined(place("out"), Self.weights)).tensors
            #expect(before.keys.sorted() == after.keys.sorted())
            for (key, tensor) in before { #expect(after[key] == tensor, "\(key) differs") }
        }
    }

    @Test("one safetensors file holds every tensor", arguments: Fixtures.all)
    func safetensors(name: String) throws {
        try inFolder { place in
            let container = try packed(name, in: place)
            let run = try runTool(["unpack", container, "--format", "safetensors", "-o", place("a.safetensors")])
            try #require(run.status == 0, "\(run.errors)")
            let source = Paths.joined(Fixtures.path(name), Self.weights)
            guard try exists(source) else { return }
            func sorted(_ path: String) throws -> [[UInt8]] {
                let all = try Checkpoint(path).tensors.values.map(\.bytes)
                return all.filter { !$0.isEmpty }.sorted { $0.lexicographicallyPrecedes($1) }
            }
            #expect(try sorted(source) == sorted(place("a.safetensors")))
        }
    }

    @Test(
        "vLLM gets plain LoRA with one scale",
        arguments: [
            "lora-llama", "lora-rslora", "lora-patterns", "lora-patterns-rslora", "lora-bf16", "lora-f16", "lora-bert",
            "lora-pickle", "lora-readme",
        ])
    func vllm(name: String) throws {
        try inFolder { place in
            let container = try packed(name, in: place)
            let run = try runTool(["unpack", container, "--format", "vllm", "-o", place("out")])
            try #require(run.status == 0, "\(run.errors)")
            let config = try JSONValue.parse(contents(of: place("out/adapter_config.json")))
            #expect(config["use_rslora"]?.bool != true)
            // Modules of another rank keep the scale of all others.
            #expect(config["alpha_pattern"] == config["rank_pattern"])
            #expect(try !Checkpoint(place("out/" + Self.weights)).tensors.isEmpty)
        }
    }

    @Test(
        "vLLM gets nothing else",
        arguments: [
            "lora-dora", "lora-dora-gpt2", "lora-lora-bias", "lora-bias-all", "lora-modules-to-save", "lora-tokens",
            "lora-replication", "lora-parameters", "lora-kasa", "lora-alora", "lora-qalora", "lora-bdlora", "vera", "ia3",
            "oft", "adamss", "prompt",
        ])
    func notForVLLM(name: String) throws {
        try inFolder { place in
            let container = try packed(name, in: place)
            let run = try runTool(["unpack", container, "--format", "vllm", "-o", place("out"), "--json"])
            #expect(run.status == 65)
            #expect(try JSONValue.parse(run.standardOutput)["error"]?["code"]?.string == "not-exportable")
            #expect(try place.names() == ["a.tenon"])
        }
    }
}
