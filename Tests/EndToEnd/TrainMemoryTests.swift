import Files
import JSON
import Support
import Testing

/// What a training is said to need, what it needs, and what is refused because of it.
@Suite("Memory of a training", .serialized)
struct TrainMemoryTests {
    /// The sizes of a model of zeros, whose files take no room.
    private struct Sizes {
        var hidden = 256
        var layers = 4
        var inner = 704
        var vocabulary = 2048

        var tensors: [(name: String, shape: [Int])] {
            let block: [(String, [Int])] =
                ["q", "k", "v", "o"].map { ("self_attn.\($0)_proj.weight", [hidden, hidden]) }
                + ["gate", "up"].map { ("mlp.\($0)_proj.weight", [inner, hidden]) }
                + [
                    ("mlp.down_proj.weight", [hidden, inner]), ("input_layernorm.weight", [hidden]),
                    ("post_attention_layernorm.weight", [hidden]),
                ]
            return [("model.embed_tokens.weight", [vocabulary, hidden]), ("lm_head.weight", [vocabulary, hidden])]
                + [("model.norm.weight", [hidden])]
                + (0..<layers).flatMap { layer in block.map { ("model.layers.\(layer).\($0.0)", $0.1) } }
        }

        func write(in place: TemporaryFolder) throws {
            try Folder.make(place("base"))
            var header: [String] = []
            var end = 0
            for tensor in tensors {
                let start = end
                end += 4 * tensor.shape.reduce(1, *)
                header.append(
                    "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(end)]}"
                )
            }
            var text = Array("{\(header.joined(separator: ","))}".utf8)
            text += [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
            let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
            try place.write(length + text, to: "base/model.safetensors")
            let size = 8 + text.count + end
            try #require(try runShell("truncate -s \(size) base/model.safetensors", in: place.path).status == 0)
            let config = """
                {"model_type": "llama", "hidden_size": \(hidden), "num_hidden_layers": \(layers), "num_attention_heads": 4,
                 "intermediate_size": \(inner), "vocab_size": \(vocabulary), "max_position_embeddings": 512}
                """
            try place.write(Array(config.utf8), to: "base/config.json")
            let rows = (0..<16).map { row in "{\"input_ids\":\((0..<128).map { ($0 * 7 + row) % 1999 })}\n" }
            try place.write(Array(rows.joined().utf8), to: "data.jsonl")
        }
    }

    private func command(_ place: TemporaryFolder, _ more: [String]) -> [String] {
        [
            "train", "--base", place("base"), "--data", place("data.jsonl"), "-o", place("x.tenon"), "--iters", "3",
            "--threads", "2",
        ] + more
    }

    @Test(
        "is about what was said before",
        arguments: [
            [], ["--rank", "64"], ["--method", "full"], ["--method", "prompt-tuning"], ["--grad-checkpoint"],
        ])
    func estimate(_ more: [String]) throws {
        try inFolder { place in
            try Sizes().write(in: place)
            let plan = try document(try succeed(command(place, more + ["--dry-run", "--json"])))
            #expect(plan.object?.keys == ["output", "steps", "rows", "trainableParameters", "memoryBytes"])
            #expect(try place.names() == ["base", "data.jsonl"])
            let estimate = try #require(plan["memoryBytes"]?.double)
            let run = try succeed(command(place, more + ["--json"]))
            #expect(try document(run)["trainableParameters"] == plan["trainableParameters"])
            let ratio = estimate / Double(run.peakMemory)
            #expect((0.8...1.25).contains(ratio), "\(estimate) for \(run.peakMemory): \(ratio)")
        }
    }

    @Test("above what the machine has is refused before anything is read")
    func tooLarge() throws {
        try inFolder { place in
            let count = Syscalls.physicalMemory / 4
            try Sizes(hidden: 1024, layers: 1, inner: 64, vocabulary: count / 2048).write(in: place)
            for more in [[], ["--dry-run"], ["--force"]] {
                let full = command(place, ["--method", "full"] + more)
                try expectFailure(74, "oom", full)
                let errors = try runTool(full).errors
                #expect(errors.contains("this run needs more memory than the machine has: expected at most "))
                #expect(errors.contains("hint: a method that trains fewer numbers, such as lora, needs less"))
            }
            #expect(try place.names() == ["base", "data.jsonl"])
        }
    }

    @Test("above --memory is refused where that was asked for")
    func limit() throws {
        try inFolder { place in
            try Sizes().write(in: place)
            let full = command(place, ["--method", "full"])
            try expectFailure(74, "oom", full + ["--memory", "64M"])
            #expect(
                try runTool(full + ["--memory", "64M"]).errors.contains("--memory allows: expected at most 67.1 MB"))
            // Passes are made smaller for a method that can do with that.
            try succeed(command(place, ["--memory", "64M", "--quiet"]))
            #expect(try place.names() == ["base", "data.jsonl", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])
        }
    }
}
