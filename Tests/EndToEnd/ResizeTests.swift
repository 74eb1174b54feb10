import Files
import JSON
import Support
import Testing

@Suite("Resizing by the command line")
struct ResizeTests {
    @Test(
        "keeps what was asked for",
        arguments: [
            ["--energy", "0.9"], ["--error", "0.2"], ["--budget", "6K"], ["--rank", "2"],
            ["--energy", "0.95", "--dtype", "bf16"], ["--rank", "100"],
        ])
    func goals(goal: [String]) throws {
        try inFolder { place in
            let report = try document(
                succeed(["resize", Fixtures.path("lora-llama"), "-o", place("r.tenon"), "--json"] + goal))
            let tensors = try #require(report["tensors"]?.array)
            let errors = tensors.compactMap { $0["relativeError"]?.double }
            let ranks = tensors.compactMap { $0["rank"]?.int }
            #expect(tensors.count == 14 && errors.count == 14 && ranks.count == 14)
            switch (goal[0], goal[1]) {
            case ("--energy", let share): #expect(errors.allSatisfy { 1 - $0 * $0 >= Double(share) ?? 1 })
            case ("--error", _): #expect(errors.allSatisfy { $0 <= 0.2 })
            case ("--rank", "2"): #expect(ranks.allSatisfy { $0 == 2 })
            case ("--rank", _): #expect(errors.allSatisfy { $0 < 1e-6 } && ranks.allSatisfy { $0 <= 8 })
            default: #expect(try #require(report["factorBytes"]?.int) <= 6144)
            }
            try succeed(["verify", place("r.tenon")])
            try succeed(["unpack", place("r.tenon"), "-o", place("peft")])
            try succeed(["apply", place("peft"), "--base", Models.path("llama"), "-o", place("merged")])
        }
    }

    @Test("keeps the base and what is no product")
    func others() throws {
        try inFolder { place in
            try succeed([
                "pack", Fixtures.path("lora-modules-to-save-norm"), "-o", place("a.tenon"), "--base",
                Models.path("llama"),
            ])
            try succeed(["resize", place("a.tenon"), "-o", place("r.tenon"), "--rank", "2"])
            try succeed(["verify", place("r.tenon"), "--base", Models.path("llama")])
            let inspected = try document(succeed(["inspect", place("r.tenon"), "--json"]))
            #expect(inspected["entries"]?.array?.contains { $0["kind"]?.string == "full" } == true)
        }
    }

    @Test(
        "makes a LoRA of its kin",
        arguments: ["adalora", "vblora", "lora-embedding", "lora-gpt2", "lora-patterns-rslora"])
    func kin(name: String) throws {
        try inFolder { place in
            let run = try succeed(["resize", Fixtures.path(name), "-o", place("r.tenon"), "--error", "1e-6", "--json"])
            #expect(try #require(document(run)["relativeError"]?.double) <= 1e-6)
            let inspected = try document(succeed(["inspect", place("r.tenon"), "--json"]))
            #expect(inspected["method"]?.string == "lora")
            try succeed(["unpack", place("r.tenon"), "-o", place("peft")])
        }
    }

    @Test("refuses what cannot be, and leaves nothing behind")
    func refusals() throws {
        try inFolder { place in
            let resize = ["resize", Fixtures.path("lora-llama"), "-o", place("r.tenon")]
            for goal in [
                [], ["--rank", "0"], ["--energy", "2"], ["--error", "1"], ["--rank", "2", "--energy", "0.5"],
                ["--budget", "8"], ["--energy", "1", "--dtype", "bf16"],
            ] { try expectFailure(64, "usage", resize + goal) }
            for name in ["lora-dora", "ia3", "prompt", "loha", "vera"] {
                try expectFailure(
                    65, "not-mergeable", ["resize", Fixtures.path(name), "-o", place("r.tenon"), "--rank", "2"])
            }
            #expect(try Folder.entries(of: place.path).isEmpty)
        }
    }
}
