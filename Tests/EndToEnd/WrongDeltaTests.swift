import Files
import JSON
import Support
import Testing

/// Lossless deltas on bases that they were not taken from, and damaged ones.
@Suite("Lossless deltas refuse")
struct WrongDeltaTests {
    private func inModels(_ body: (TemporaryFolder, TinyModel) throws -> Void) throws {
        var random = RepeatableRandom(seed: 5)
        let base = ExtractCase.plain("BF16", &random)
        var tuned = base
        tuned.tune("model.embed_tokens.weight", every: 2, &random)
        tuned.tune("model.layers.0.mlp.up_proj.weight", every: 60, &random)
        tuned.companions["config.json"] = Array("{}".utf8)
        try inFolder { place in
            try base.write(to: place("base"))
            try tuned.write(to: place("tuned"))
            try succeed(["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place("d.tenon")])
            try body(place, base)
        }
    }

    private func expectRefused(
        _ codes: [String: String], _ wrong: TinyModel, in place: TemporaryFolder,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try wrong.write(to: place("wrong"))
        let before = try place.names()
        for (check, code) in codes {
            try expectFailure(
                65, code,
                [
                    "apply", place("d.tenon"), "--base", place("wrong"), "-o", place("out"), "--base-check", check,
                ], sourceLocation: sourceLocation)
            #expect(try place.names() == before, "\(check)", sourceLocation: sourceLocation)
        }
        try Folder.remove(place("wrong"))
    }

    @Test("another model, or other names, types and shapes")
    func otherModel() throws {
        try inModels { place, base in
            var random = RepeatableRandom(seed: 6)
            let codes = ["strict": "base-mismatch", "shapes": "base-incompatible", "off": "base-incompatible"]
            var other = base
            other["model.embed_tokens.weight"] = nil
            try expectRefused(codes, other, in: place)
            other = base
            other["model.embed_tokens.weight"] = .weights("BF16", [95, 32], &random)
            try expectRefused(codes, other, in: place)
            other = base
            other["model.layers.1.norm.weight"]?.dtype = "F16"
            try expectRefused(codes, other, in: place)
            other = base
            other.add("one.more", "BF16", [2], &random)
            try expectRefused(codes, other, in: place)
        }
    }

    @Test("the same shapes with other values, to one bit, also where only shapes are checked")
    func otherValues() throws {
        try inModels { place, base in
            var random = RepeatableRandom(seed: 7)
            let codes = ["strict": "base-mismatch", "shapes": "digest-mismatch", "off": "digest-mismatch"]
            var other = base
            for name in base.names { other[name] = .weights("BF16", base[name]?.shape ?? [], &random) }
            try expectRefused(codes, other, in: place)
            for name in ["model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"] {
                other = base
                other[name]?.bytes[77] ^= 0x10
                try expectRefused(codes, other, in: place)
            }
        }
    }

    @Test("a bit of a tensor that the delta does not change")
    func otherElsewhere() throws {
        try inModels { place, base in
            var other = base
            other["lm_head.weight"]?.bytes[1] ^= 1
            let codes = ["strict": "digest-mismatch", "shapes": "digest-mismatch", "off": "digest-mismatch"]
            try expectRefused(codes, other, in: place)
        }
    }

    @Test("a base without a file that the result has from it, or with another")
    func companions() throws {
        try inModels { place, base in
            let all = ["strict", "shapes", "off"]
            var other = base
            other.companions["tokenizer.json"] = nil
            try expectRefused(Dictionary(uniqueKeysWithValues: all.map { ($0, "base-incompatible") }), other, in: place)
            other.companions["tokenizer.json"] = Array("{\"version\": \"1.1\"}".utf8)
            try expectRefused(Dictionary(uniqueKeysWithValues: all.map { ($0, "base-mismatch") }), other, in: place)
            // What the result has from the delta alone may be anything.
            other = base
            other.companions["config.json"] = nil
            try other.write(to: place("wrong"))
            try succeed(["apply", place("d.tenon"), "--base", place("wrong"), "-o", place("again")])
            try expectSameFiles(place("tuned"), place("again"))
        }
    }

    @Test("to be put onto a base with a weight, or to be undone with a correction")
    func weights() throws {
        try inModels { place, _ in
            let apply = ["apply", place("d.tenon"), "--base", place("base"), "-o", place("out")]
            try expectFailure(64, "usage", apply + ["--scale", "0.5"])
            try expectFailure(64, "usage", apply + ["--undo", place("u.tenon")])
            #expect(try place.names() == ["base", "d.tenon", "tuned"])
        }
    }

    @Test("a container cut short or with another byte")
    func damage() throws {
        try inModels { place, _ in
            let good = try contents(of: place("d.tenon"))
            let apply = ["apply", place("bad.tenon"), "--base", place("base"), "-o", place("out")]
            for place_ in stride(from: 3, to: good.count, by: max(1, good.count / 40)) {
                var bad = good
                bad[place_] ^= 0x20
                try place.write(bad, to: "bad.tenon")
                let run = try runTool(apply)
                #expect(run.status == 65, "byte \(place_) \(run.output)\(run.errors)")
            }
            for count in [0, 10, good.count / 2, good.count - 1] {
                try place.write(Array(good[..<count]), to: "bad.tenon")
                let run = try runTool(apply)
                #expect(run.status == 65, "\(count) bytes \(run.errors)")
            }
            #expect(try place.names() == ["bad.tenon", "base", "d.tenon", "tuned"])
        }
    }
}

#if FaultInjection
    /// Extracting and undoing when the system fails or somebody stops them.
    @Suite("Lossless deltas under faults")
    struct DeltaFaultTests {
        @Test("no space at any write, and nothing is left behind", arguments: ["write", "fsync", "rename"])
        func extracting(call: String) throws {
            var random = RepeatableRandom(seed: 8)
            let base = ExtractCase.plain("BF16", &random)
            var tuned = base
            tuned.tuneAll(every: 2, &random)
            try inFolder { place in
                try base.write(to: place("base"))
                try tuned.write(to: place("tuned"))
                let extract = ["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place("d.tenon")]
                for number in 1...40 {
                    let run = try runTool(extract, environment: ["TENON_FAULT": "\(call)@d.tenon:\(number)=ENOSPC"])
                    if run.status == 0 {
                        #expect(number > 1)
                        return
                    }
                    #expect(run.status == 74, "\(run.errors)")
                    #expect(try place.names() == ["base", "tuned"])
                }
                Issue.record("never came to an end")
            }
        }

        @Test("reading fails")
        func reading() throws {
            var random = RepeatableRandom(seed: 8)
            let base = ExtractCase.plain("BF16", &random)
            var tuned = base
            tuned.tuneAll(every: 2, &random)
            try inFolder { place in
                try base.write(to: place("base"))
                try tuned.write(to: place("tuned"))
                let extract = ["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place("d.tenon")]
                for file in ["base/model", "tuned/model"] {
                    try expectFailure(74, "io-error", extract, environment: ["TENON_FAULT": "pread@\(file)=EIO"])
                }
                #expect(try place.names() == ["base", "tuned"])
            }
        }
    }
#endif

/// On a large model: what is held at most, and what a signal leaves.
@Suite("Lossless deltas of a large model", .serialized)
struct LargeDeltaTests {
    private static let limit = 128 << 20

    @Test("are taken and put back within 128 MiB, and leave nothing where they are stopped")
    func bounded() throws {
        try inLargeFolder { place in
            try SyntheticModel.make(at: place + "/base", count: 4, tensorBytes: 24 << 20)
            try SyntheticModel.make(at: place + "/tuned", count: 4, tensorBytes: 24 << 20, changing: 7)
            let extract = [
                "extract", "--base", place + "/base", "--tuned", place + "/tuned", "-o", place + "/d.tenon",
                "--threads", "2",
            ]
            let stopped = try runTool(extract + ["--compression", "max"], interrupt: (15, 150))
            #expect(stopped.status == 143, "\(stopped.errors)")
            #expect(try Folder.entries(of: place).map(\.name) == ["base", "tuned"])
            let run = try succeed(extract)
            #expect(run.peakMemory <= Self.limit, "\(run.peakMemory)")
            let apply = try succeed([
                "apply", place + "/d.tenon", "--base", place + "/base", "-o", place + "/again", "--threads", "2",
            ])
            #expect(apply.peakMemory <= Self.limit, "\(apply.peakMemory)")
            let sums = try ["tuned", "again"].map { name in
                try runTool([place + "/\(name)/model.safetensors"], executable: "/usr/bin/sha256sum").output.prefix(64)
            }
            #expect(sums[0] == sums[1])
        }
    }
}
