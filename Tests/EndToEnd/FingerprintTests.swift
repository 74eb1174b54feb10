import Files
import JSON
import Support
import Testing

@Suite("tenon fingerprint")
struct FingerprintTests {
    private func document(of model: String, _ options: [String] = ["--no-cache"]) throws -> JSONValue {
        let run = try runTool(["fingerprint", model, "--json"] + options)
        try #require(run.status == 0, "\(run.errors)")
        return try EndToEnd.document(run)
    }

    @Test("prints root, header digest and sizes, and the same for scripts")
    func results() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("model"))
            let document = try document(of: place("model"))
            #expect(
                document.object?.keys == [
                    "root", "headerDigest", "tensorCount", "totalBytes", "files", "tensors", "warnings",
                ])
            for key in ["root", "headerDigest"] { #expect(document[key]?.string?.count == 64) }
            #expect(document["tensorCount"]?.int == 6 && document["totalBytes"]?.int == 18000)
            #expect(document["tensors"]?.isNull == true)

            let text = try runTool(["fingerprint", place("model"), "--no-cache", "--tensors"])
            for key in ["root", "headerDigest"] { #expect(text.output.contains(document[key]?.string ?? "?")) }
            #expect(text.output.contains("18,000 in 1 file\n") && text.errors == "")

            let list = try #require(
                try self.document(of: place("model"), ["--no-cache", "--tensors"])["tensors"]?.array)
            #expect(list.count == 6)
            for tensor in list {
                #expect(tensor.object?.keys == ["name", "dtype", "shape", "digest"])
                #expect(
                    text.output.contains("\(tensor["digest"]?.string ?? "?")  \(tensor["name"]?.string ?? "?")  BF16"))
            }
        }
    }

    @Test("is the same for shards and for one file, on every body of the kernels and any number of threads")
    func sharding() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("one"), tensorBytes: 300_000)
            try SyntheticModel.make(at: place("three"), tensorBytes: 300_000, shards: 3)
            let (one, three) = (try document(of: place("one")), try document(of: place("three")))
            #expect(one["root"] == three["root"] && one["headerDigest"] == three["headerDigest"])
            #expect(try document(of: place("one/model.safetensors"))["root"] == one["root"])
            #expect(try document(of: place("three"), ["--no-cache", "--threads", "1"])["root"] == one["root"])
            let portable = try runTool(
                ["fingerprint", place("one"), "--json", "--no-cache"], environment: ["TENON_SIMD": "portable"])
            #expect(try EndToEnd.document(portable) == one)
        }
    }

    @Test("a flipped bit changes the root and one leaf; the header digest needs no data")
    func flipped() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("model"), shards: 2)
            let before = try document(of: place("model"), ["--no-cache", "--tensors"])
            let path = place("model/model-00002-of-00002.safetensors")
            var bytes = try contents(of: path)
            bytes[bytes.count - 3001] ^= 0x40
            try writeFile(bytes, to: path)
            let after = try document(of: place("model"), ["--no-cache", "--tensors"])
            #expect(before["root"] != after["root"] && before["headerDigest"] == after["headerDigest"])
            let pairs = zip(before["tensors"]?.array ?? [], after["tensors"]?.array ?? [])
            // The tensor before the last in that shard.
            #expect(pairs.filter { $0 != $1 }.map { $0.0["name"]?.string } == [SyntheticModel.tensorName(3)])

            let header = try document(of: place("model"), ["--header-only"])
            #expect(header["root"]?.isNull == true && header["headerDigest"] == before["headerDigest"])
            let text = try runTool(["fingerprint", place("model"), "--header-only"])
            #expect(!text.output.contains("root:") && text.output.contains(before["headerDigest"]?.string ?? "?"))
        }
    }

    @Test("what is no sound checkpoint is refused with its own code")
    func refused() throws {
        try inFolder { place in
            try expectFailure(66, "not-found", ["fingerprint", place("nothing")])
            try expectFailure(64, "usage", ["fingerprint"])
            try Folder.make(place("empty"))
            try expectFailure(65, "not-a-checkpoint", ["fingerprint", place("empty")])
            try expectFailure(65, "not-a-checkpoint", ["fingerprint", Fixtures.path("lora-llama")])

            try place.write([1], to: "model.gguf")
            try expectFailure(65, "not-a-checkpoint", ["fingerprint", place("model.gguf")])
            try place.write([1], to: "text")
            try expectFailure(65, "base-invalid", ["fingerprint", place("text")])

            try SyntheticModel.make(at: place("missing"), shards: 2)
            let index = place("missing/model.safetensors.index.json")
            try expectFailure(65, "not-a-checkpoint", ["fingerprint", index])
            try Folder.remove(place("missing/model-00002-of-00002.safetensors"))
            try expectFailure(66, "base-missing-shard", ["fingerprint", place("missing")])
            try Folder.remove(index)
            try expectFailure(65, "base-ambiguous", ["fingerprint", place("missing")])

            try SyntheticModel.make(at: place("short"), shards: 2)
            let shard = place("short/model-00001-of-00002.safetensors")
            try writeFile(Array(try contents(of: shard).dropLast(1)), to: shard)
            try expectFailure(65, "base-invalid", ["fingerprint", place("short")])

            try SyntheticModel.make(at: place("hostile"))
            let leading = #"{"weight_map":{"a":"../../etc/passwd"}}"#
            try writeFile(Array(leading.utf8), to: place("hostile/model.safetensors.index.json"))
            try expectFailure(65, "base-path", ["fingerprint", place("hostile")])
        }
    }

    @Test("remembers what has been at rest for two seconds, and reads no data again")
    func cache() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("model"), shards: 2)
            let home: [String: String?] = ["XDG_CACHE_HOME": place("cache"), "TENON_CACHE": nil]
            let fresh = try runTool(["fingerprint", place("model")], environment: home)
            #expect(try fresh.status == 0 && !exists(place("cache")))
            _ = try runTool(["2.1"], executable: "/bin/sleep")
            let off = home.merging(["TENON_CACHE": "off"]) { $1 }
            #expect(try runTool(["fingerprint", place("model")], environment: off).output == fresh.output)
            #expect(try runTool(["fingerprint", place("model"), "--no-cache"], environment: home).status == 0)
            #expect(try !exists(place("cache")))
            #expect(try runTool(["fingerprint", place("model")], environment: home).output == fresh.output)
            #expect(try Folder.entries(of: place("cache/tenon/fingerprints")).count == 2)
            #if FaultInjection
                // Length and header of each shard are read, then its data.
                let broken = home.merging(["TENON_FAULT": "pread@00001-of:3=EIO"]) { $1 }
                #expect(try runTool(["fingerprint", place("model")], environment: broken).output == fresh.output)
                try expectFailure(74, "io-error", ["fingerprint", place("model"), "--no-cache"], environment: broken)
            #endif
        }
    }

    @Test("holds little of a large model")
    func memory() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("model"), count: 4, tensorBytes: 24 << 20)
            let run = try runTool(["fingerprint", place("model"), "--no-cache", "--threads", "2"])
            #expect(run.status == 0 && run.peakMemory < 40 << 20, "\(run.peakMemory)")
        }
    }

    @Test("warns of what is left out, and not with --quiet")
    func warnings() throws {
        try inFolder { place in
            try SyntheticModel.make(at: place("model"))
            try place.write([1], to: "model/pytorch_model.bin")
            let run = try runTool(["fingerprint", place("model"), "--header-only"])
            #expect(run.status == 0 && run.errors.hasPrefix("tenon: warning: 1 left out: pytorch_model.bin"))
            #expect(try runTool(["fingerprint", place("model"), "--header-only", "--quiet"]).errors == "")
        }
    }
}
