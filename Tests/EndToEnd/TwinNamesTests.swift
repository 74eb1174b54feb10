import Files
import JSON
import Support
import Testing

/// Names that Swift's strings take for equal: é in one code point and in two.
@Suite("Names that are normalization twins")
struct TwinNamesTests {
    private static let composed = "model.caf\u{e9}.q_proj"
    private static let decomposed = "model.cafe\u{301}.q_proj"

    private func model() -> TinyModel {
        var random = RepeatableRandom(seed: 11)
        var model = TinyModel()
        for name in [Self.composed, Self.decomposed] { model.add(name + ".weight", "F32", [8, 8], &random) }
        return model
    }

    /// A LoRA of one module, or of both.
    private func makeAdapter(_ modules: [String], at path: String) throws {
        var random = RepeatableRandom(seed: 12)
        var weights = TinyModel()
        for module in modules {
            weights.add("base_model.model.\(module).lora_A.weight", "F32", [2, 8], &random)
            weights.add("base_model.model.\(module).lora_B.weight", "F32", [8, 2], &random)
        }
        let config: JSONValue = [
            "peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"],
        ]
        try Folder.make(path)
        try writeFile(JSONWriter.bytes(of: config, .pretty), to: Paths.joined(path, "adapter_config.json"))
        try writeFile(weights.file(0), to: Paths.joined(path, "adapter_model.safetensors"))
    }

    private func tensors(_ folder: String) throws -> [(name: String, bytes: [UInt8])] {
        let file = try contents(of: Paths.joined(folder, "model.safetensors"))
        let length = (0..<8).reduce(0) { $0 | Int(file[$1]) << ($1 * 8) }
        let header = try JSONValue.parse(Array(file[8..<8 + length])).object
        return (header?.members ?? []).compactMap { name, value in
            guard let ends = value["data_offsets"]?.array?.compactMap(\.int), ends.count == 2 else { return nil }
            return (name, Array(file[(8 + length + ends[0])..<(8 + length + ends[1])]))
        }
    }

    @Test("are two tensors to fingerprint")
    func fingerprint() throws {
        try inFolder { place in
            try model().write(to: place("base"))
            let report = try document(succeed(["fingerprint", place("base"), "--tensors", "--json"]))
            let list = report["tensors"]?.array ?? []
            #expect(list.count == 2)
            #expect(Set(list.compactMap { $0["digest"]?.string }).count == 2)
        }
    }

    @Test("are changed each by its own entry, and come back", arguments: [[0], [1], [0, 1], [1, 0]])
    func apply(members: [Int]) throws {
        try inFolder { place in
            try model().write(to: place("base"))
            let names = [Self.composed, Self.decomposed]
            try makeAdapter(members.map { names[$0] }, at: place("adapter"))
            let report = try document(
                succeed([
                    "apply", place("adapter"), "--base", place("base"), "-o", place("out"), "--undo", place("u.tenon"),
                    "--json",
                ]))
            #expect(report["changedTensors"]?.int == members.count)
            let before = try tensors(place("base"))
            let after = try tensors(place("out"))
            #expect(after.count == 2)
            for tensor in before {
                let number = names.firstIndex { Array(tensor.name.utf8) == Array(($0 + ".weight").utf8) }
                let other = try #require(after.first { Array($0.name.utf8) == Array(tensor.name.utf8) })
                #expect((other.bytes != tensor.bytes) == members.contains(number ?? -1))
            }
            try succeed([
                "unapply", place("adapter"), "--merged", place("out"), "--undo", place("u.tenon"), "-o", place("again"),
            ])
            #expect(try tensors(place("again")).map(\.bytes).count == 2)
            let root = try document(succeed(["fingerprint", place("base"), "--json"]))["root"]
            #expect(try document(succeed(["fingerprint", place("again"), "--json"]))["root"] == root)
        }
    }
}
