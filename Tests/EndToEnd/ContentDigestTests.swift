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

    @Test("changes with a key that changes the function, and with no other", arguments: ["lora-llama", "vera", "ia3"])
    func keys(name: String) throws {
        try inFolder { place in
            let before = try pack(Fixtures.path(name), to: place("a.tenon")).digest
            try copyFolder(Fixtures.path(name), to: place("in"))
            for (key, value, hasEffect) in [
                ("bias", "all", true), ("inference_mode", false, false), ("revision", "main", false),
                ("exclude_modules", ["nothing"], true),
            ] as [(String, JSONValue, Bool)] {
                var config = try Fixtures.config(name)
                config[key] = value
                try place.write(JSONWriter.bytes(of: .object(config), .pretty), to: "in/adapter_config.json")
                let after = try pack(place("in"), to: place("b.tenon")).digest
                #expect((after != before) == hasEffect, "\(key)")
            }
        }
    }
}
