import Files
import JSON
import Support
import Testing

@Suite("Low-rank deltas")
struct LowRankTests {
    /// A base, and what an adapter of rank 8 makes of it.
    private func prepare(_ place: TemporaryFolder) throws {
        try copyFolder(Models.path("llama"), to: place("base"))
        try succeed(["apply", Fixtures.path("lora-llama"), "--base", place("base"), "-o", place("tuned")])
    }

    private func extract(_ place: TemporaryFolder, _ more: [String], as name: String = "d.tenon") -> [String] {
        ["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place(name)] + more
    }

    @Test("find the adapter that was merged, and go back to PEFT")
    func rank() throws {
        try inFolder { place in
            try prepare(place)
            let report = try document(succeed(extract(place, ["--rank", "8", "--json"])))
            #expect(try #require(report["relativeError"]?.double) < 1e-3)
            #expect(report["resultRoot"]?.string == nil)
            let tensors = report["tensors"]?.array ?? []
            #expect(tensors.count == 14 && tensors.allSatisfy { $0["kind"]?.string == "lora" })
            try succeed(["verify", place("d.tenon"), "--base", place("base")])
            try succeed(["unpack", place("d.tenon"), "-o", place("peft")])
            #expect(
                try Folder.entries(of: place("peft")).map(\.name) == [
                    "adapter_config.json", "adapter_model.safetensors",
                ])
            try succeed(["apply", place("peft"), "--base", place("base"), "-o", place("one")])
            try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("two")])
            try expectSameFiles(place("one"), place("two"))
        }
    }

    @Test(
        "keep what was asked for",
        arguments: [
            ["--energy", "0.9"], ["--error", "0.2"], ["--budget", "6K"], ["--rank", "2", "--dtype", "bf16"],
        ])
    func goals(goal: [String]) throws {
        try inFolder { place in
            try prepare(place)
            let report = try document(succeed(extract(place, goal + ["--json"])))
            let tensors = report["tensors"]?.array ?? []
            let errors = tensors.compactMap { $0["relativeError"]?.double }
            let ranks = tensors.compactMap { $0["rank"]?.int }
            #expect(tensors.count == errors.count && ranks.count == errors.count && !errors.isEmpty)
            switch goal[0] {
            case "--energy": #expect(errors.allSatisfy { 1 - $0 * $0 >= 0.9 })
            case "--error": #expect(errors.allSatisfy { $0 <= 0.2 })
            case "--rank": #expect(ranks.allSatisfy { $0 == 2 })
            default:
                let inspected = try document(succeed(["inspect", place("d.tenon"), "--json"]))
                #expect(try #require(inspected["logicalBytes"]?.int) <= 6144)
            }
        }
    }

    @Test("with a residual give every file back, and their LoRA to PEFT")
    func residual() throws {
        try inFolder { place in
            try prepare(place)
            try Models.write(
                Models.weights(place("tuned")).tensors.map {
                    ($0, $0 == "model.norm.weight" ? $1.flipped(byte: 5) : $1)
                },
                to: place("tuned/model.safetensors"))
            try succeed(extract(place, ["--rank", "2", "--residual"]))
            try succeed(["verify", place("d.tenon"), "--reconstructs", place("tuned")])
            try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("again")])
            try expectSameFiles(place("tuned"), place("again"))
            let unpacked = try succeed(["unpack", place("d.tenon"), "-o", place("peft")])
            #expect(unpacked.errors.contains("only the LoRA is written"))
            try succeed(["apply", place("peft"), "--base", place("base"), "-o", place("near")])
        }
    }

    @Test("need one goal that makes sense")
    func usage() throws {
        try inFolder { place in
            try prepare(place)
            for wrong in [
                ["--rank", "2", "--energy", "0.5"], ["--kind", "lora"], ["--rank", "0"], ["--energy", "1.5"],
                ["--target-modules", "q_proj"], ["--residual"],
            ] {
                try expectFailure(64, "usage", extract(place, wrong))
            }
            #expect(try place.names() == ["base", "tuned"])
        }
    }
}
