import Files
import JSON
import Support
import Testing

@Suite("Content digest")
struct ContentDigestTests {
    private func pack(
        _ source: String, to output: String, _ options: [String] = [], simd: String? = nil
    ) throws -> (digest: String, bytes: [UInt8]) {
        let run = try runTool(
            ["pack", source, "-o", output, "--json", "--force"] + options, environment: ["TENON_SIMD": simd])
        try #require(run.status == 0, "\(run.errors)")
        let digest = try JSONValue.parse(run.standardOutput)["contentDigest"]?.string
        return (try #require(digest), try contents(of: output))
    }

    @Test(
        "is of the content alone, and the bytes are of content and compression alone",
        arguments: ["lora-llama", "lora-bf16", "vera", "prompt", "adamss"])
    func stable(name: String) throws {
        try inFolder { place in
            try compareAll(Fixtures.path(name), in: place)
        }
    }

    @Test("likewise where several lanes have work to do")
    func stableWhenLarge() throws {
        try inFolder { place in
            try SyntheticAdapter.make(at: place("in"), byteCount: 3 << 20, tensorBytes: 1 << 18)
            try compareAll(place("in"), in: place)
        }
    }

    private func compareAll(_ source: String, in place: TemporaryFolder) throws {
        var digests: Set<String> = []
        for compression in ["fast", "default", "max"] {
            var files: Set<[UInt8]> = []
            for (threads, simd) in [(1, nil), (2, "avx2"), (5, "avx512"), (2, "portable")] as [(Int, String?)] {
                let options = ["--compression", compression, "--threads", "\(threads)"]
                let (digest, bytes) = try pack(source, to: place("a.tenon"), options, simd: simd)
                digests.insert(digest)
                files.insert(bytes)
            }
            #expect(files.count == 1, "\(compression)")
        }
        #expect(digests.count == 1)
    }

    /// Keys that change nothing an adapter computes; why, says the table of its method.
    private static let withoutEffect: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "peft_version", "lora_dropout",
        "vera_dropout", "d_initial", "eva_config", "megatron_core", "qalora_group_size", "module_dropout",
    ]

    @Test("changes with every key that changes the function", arguments: ["lora-llama", "vera", "ia3", "hra"])
    func keys(name: String) throws {
        try inFolder { place in
            let before = try pack(Fixtures.path(name), to: place("a.tenon")).digest
            let config = try Fixtures.config(name)
            try copyFolder(Fixtures.path(name), to: place("in"))
            var changed = 0
            for (key, value) in config.members where key != "peft_type" {
                var other = config
                guard let another = Self.another(value, key: key) else { continue }
                other[key] = another
                try place.write(JSONWriter.bytes(of: .object(other), .pretty), to: "in/adapter_config.json")
                let run = try runTool(["pack", place("in"), "-o", place("b.tenon"), "--force", "--json"])
                let after = try JSONValue.parse(run.standardOutput)["contentDigest"]?.string
                if Self.withoutEffect.contains(key) {
                    #expect(run.status == 0 && after == before, "\(key) has no effect")
                } else {
                    // A value that does not fit the tensors is refused.
                    #expect(run.status == 65 || (run.status == 0 && after != before), "\(key) has an effect")
                    if run.status == 0 { changed += 1 }
                }
            }
            #expect(changed >= 5)
        }
    }

    /// Another value of the same nature; nil where it takes the method to know one.
    private static func another(_ value: JSONValue, key: String) -> JSONValue? {
        switch value {
        case .bool where key.hasPrefix("init"): "pissa"
        case .bool(let value): .bool(!value)
        case .number: 3
        case .string(let value): .string(value + "x")
        case .array, .null: ["another"]
        case .object: nil
        }
    }
}
