import Adapters
import Diagnostics
import Files
import Support
import Testing

import Interchange

@Suite("Folders that are no good")
struct HostileFolderTests {
    private let prefix = SyntheticFolder.prefix
    private let good = SyntheticFolder.lora("q_proj")

    private func code(_ folder: SyntheticFolder) -> Failure.Code? {
        failureCode { _ = try PEFTFolder.read(folder.path) }
    }

    private func code(config: String, _ tensors: [(String, [Int])]) throws -> Failure.Code? {
        code(try SyntheticFolder(config: config, tensors: tensors))
    }

    @Test("half an adapter")
    func halves() throws {
        #expect(try code(SyntheticFolder(config: SyntheticFolder.loraConfig)) == .weightsMissing)
        #expect(try code(SyntheticFolder(tensors: good)) == .configMissing)
        #expect(try code(SyntheticFolder()) == .notAnAdapter)
        #expect(failureCode { _ = try PEFTFolder.read("/nowhere/at/all") } == .notFound)
    }

    @Test("a file in place of a folder is named for what it is")
    func file() throws {
        let place = try TemporaryFolder()
        let path = try place.write(Array("GGUF0000".utf8), to: "x.gguf")
        do throws(Failure) {
            _ = try PEFTFolder.read(path)
            Issue.record("a file was read as a folder")
        } catch {
            #expect(error.code == .notAnAdapter && error.what.contains("GGUF"))
        }
    }

    @Test("folders of other tools are named for what they are")
    func otherTools() throws {
        for (name, config, word) in [
            ("adapters.safetensors", #"{"fine_tune_type":"lora"}"#, "MLX"),
            ("pytorch_adapter.bin", #"{"config":{},"model_class":"x"}"#, "AdapterHub"),
        ] {
            let folder = try SyntheticFolder(config: config)
            try folder.place.write([1], to: name)
            do throws(Failure) {
                _ = try PEFTFolder.read(folder.path)
                Issue.record("\(word) was read as PEFT")
            } catch {
                #expect(error.code == .notAnAdapter && error.what.contains(word))
            }
        }
    }

    @Test(
        "first bytes tell what a file is",
        arguments: [
            ([0x89, 0x54, 0x4E, 0x4E, 0x0D, 0x0A, 0x1A, 0x0A], "x", Sniff.container), (Array("GGUF".utf8), "x", .gguf),
            ([0x50, 0x4B, 3, 4], "x.bin", .pickle), ([0x50, 0x4B, 3, 4], "x", .zip), ([0x80, 2], "x", .pickle),
            (Array("{}".utf8), "x", .json), ([], "x", .empty), ([1, 2, 3], "x", .unknownFile),
        ])
    func sniff(bytes: [UInt8], name: String, expected: Sniff) throws {
        let place = try TemporaryFolder()
        #expect(try Sniff.of(place.write(bytes, to: name)) == expected)
    }

    @Test("single files of tensors: kohya's or another's")
    func single() throws {
        let place = try TemporaryFolder()
        let kohya = try SyntheticFolder.safetensors([("lora_unet_x.lora_down.weight", [1, 1])])
        #expect(try Sniff.of(place.write(kohya, to: "a.safetensors")) == .kohya)
        let other = try SyntheticFolder.safetensors([("x", [1])])
        #expect(try Sniff.of(place.write(other, to: "b.safetensors")) == .safetensors)
    }

    @Test(
        "configs",
        arguments: [
            ("", Failure.Code.jsonSyntax), ("[]", .configInvalid), ("{}", .configInvalid),
            (#"{"peft_type":7}"#, .configInvalid), (#"{"peft_type":"lora"}"#, .configInvalid),
            (#"{"peft_type":"LORA","r":2,"r":2}"#, .jsonDuplicate), (#"{"peft_type":"LORA","r":NaN}"#, .jsonSyntax),
            (#"{"peft_type":"LORA","r":0}"#, .badParameter), (#"{"peft_type":"LORA","r":-2}"#, .badParameter),
            (#"{"peft_type":"LORA","r":2.5}"#, .badParameter),
            (#"{"peft_type":"LORA","r":2,"x":99999999999999999999}"#, .configInvalid),
            (#"{"fine_tune_type":"lora","lora_parameters":{}}"#, .notAnAdapter),
            (#"{"config":{},"model_class":"Bert","version":"adapters.1.2.0"}"#, .notAnAdapter),
            (#"{"peft_type":"LORA","lora_parameters":{}}"#, .configInvalid),
        ])
    func configs(text: String, expected: Failure.Code) throws {
        #expect(try code(config: text, good) == expected)
    }

    @Test("keys")
    func keys() throws {
        let config = SyntheticFolder.loraConfig
        #expect(try code(config: config, good + [("lm_head.weight", [2, 2])]) == .unknownKey)
        #expect(try code(config: config, [(prefix + "q_proj.lora_C.weight", [2, 2])]) == .unknownKey)
        #expect(try code(config: config, [("base_model.model..lora_A.weight", [2, 2])]) == .unknownKey)
        #expect(try code(config: config, good + SyntheticFolder.lora("q_proj", infix: ".default")) == .duplicate)
        let mixed = [good[0], (prefix + "q_proj.lora_embedding_B", [8, 2])]
        #expect(try code(config: config, mixed) == .unknownKey)
    }

    @Test("an unknown key comes with the nearest known one")
    func nearest() throws {
        let folder = try SyntheticFolder(
            config: SyntheticFolder.loraConfig, tensors: [(prefix + "q_proj.lora_a.weight", [2, 2])])
        do throws(Failure) {
            _ = try PEFTFolder.read(folder.path)
            Issue.record("the key was taken")
        } catch {
            #expect(error.object == prefix + "q_proj.lora_a.weight")
            #expect(error.hints.contains { $0.contains("lora_A.weight") })
        }
    }

    @Test("shapes")
    func shapes() throws {
        let config = SyntheticFolder.loraConfig
        #expect(try code(config: config, [good[0]]) == .kindShape)
        #expect(try code(config: config, [good[0], (good[1].0, [8, 3])]) == .kindShape)
        #expect(try code(config: config, [(good[0].0, [2]), (good[1].0, [8])]) == .kindShape)
        let dora = good + [(prefix + "q_proj.lora_magnitude_vector", [7])]
        #expect(try code(config: config, dora) == .kindShape)
    }

    @Test("rows of tokens and their places")
    func rows() throws {
        let rows = [("base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", [3, 8])]
        #expect(try code(config: #"{"peft_type":"LORA"}"#, rows) == .badParameter)
        #expect(
            try code(config: #"{"peft_type":"LORA","trainable_token_indices":[1,2]}"#, rows) == .kindShape)
        #expect(
            try code(config: #"{"peft_type":"LORA","trainable_token_indices":{"lm_head":[1,2,3]}}"#, rows)
                == .badParameter)
        #expect(try code(config: #"{"peft_type":"LORA","trainable_token_indices":[1,2,3]}"#, rows) == nil)
    }

    @Test("projections that nobody stored")
    func shared() throws {
        let vera = [(prefix + "q_proj.vera_lambda_b", [8]), (prefix + "q_proj.vera_lambda_d", [2])]
        #expect(try code(config: #"{"peft_type":"VERA","r":2}"#, vera) == .kindShape)
        #expect(try code(config: #"{"peft_type":"VERA","r":2,"save_projection":false}"#, vera) == nil)
    }

    @Test("a folder that changes while it is read")
    func changing() throws {
        let folder = try SyntheticFolder(config: SyntheticFolder.loraConfig, tensors: good)
        let read = try PEFTFolder.read(folder.path)
        let file = try OutputFile.create(
            at: folder.place("adapter_config.json"), replacing: true, durability: .none)
        try file.commit()
        #expect(failureCode { try read.checkUnchanged() } == .changedDuringRead)
    }
}
