import Files
import JSON
import Support
import Testing

@Suite("Evaluating an adapter")
struct EvalTests {
    private func eval(_ place: TemporaryFolder, _ more: [String] = [], adapter: String? = "x.tenon") -> [String] {
        ["eval"] + (adapter.map { [place($0)] } ?? [])
            + ["--base", TrainingPlace.base(), "--data", place("data")] + more
    }

    private func trained(_ body: (TemporaryFolder) throws -> Void) throws {
        try inFolder { place in
            try TrainingPlace.data(in: place, valid: 5)
            try succeed(TrainingPlace.command(in: place, ["--steps-per-eval", "0"]))
            try body(place)
        }
    }

    @Test("says loss, perplexity, accuracy and tokens, the same to people and scripts")
    func result() throws {
        try trained { place in
            let document = try document(try succeed(eval(place, ["--json"])))
            #expect(
                document.object?.keys == [
                    "loss", "perplexity", "accuracy", "exactMatch", "tokens", "data", "warnings", "ok",
                ])
            let loss = try #require(document["loss"]?.double)
            #expect(document["ok"]?.bool == true && document["tokens"]?.int ?? 0 > 0)
            let text = try succeed(eval(place)).output
            #expect(text.hasPrefix("loss \((loss * 10_000).rounded() / 10_000)".prefix(10)))
            // On any number of threads.
            let alone = try succeed(eval(place, ["--json", "--threads", "1"])).output
            #expect(try succeed(eval(place, ["--json", "--threads", "2"])).output == alone)
        }
    }

    @Test("is a gate: exit 1 where the adapter does not pass")
    func gates() throws {
        try trained { place in
            for pass in [
                ["--max-loss", "100"], ["--min", "accuracy=0"], ["--max-loss", "100", "--min", "accuracy=0"],
            ] {
                try succeed(eval(place, pass))
            }
            for fail in [
                ["--max-loss", "0.5"], ["--min", "accuracy=0.99"], ["--max-loss", "100", "--min", "accuracy=0.9"],
            ] {
                let run = try runTool(eval(place, fail))
                #expect(run.status == 1 && run.output.hasPrefix("loss "))
                expectErrorLines(run)
                let script = try runTool(eval(place, fail + ["--json"]))
                let document = try document(script)
                #expect(script.status == 1 && document["ok"]?.bool == false)
                #expect(document["error"]?["code"]?.string == "gate-not-met")
                #expect(document["loss"]?.double != nil)
            }
            for wrong in [
                ["--min", "f1=0.5"], ["--min", "fame=0.5"], ["--min", "accuracy=1.5"], ["--min", "accuracy"],
                ["--min", "accuracy=high"], ["--max-loss", "low"],
            ] {
                try expectFailure(64, "usage", eval(place, wrong))
            }
        }
    }

    @Test("takes test.jsonl, or else valid.jsonl, or the file that is named")
    func files() throws {
        try trained { place in
            func tokens(_ more: [String] = []) throws -> Int? {
                try document(try succeed(eval(place, ["--json"] + more)))["tokens"]?.int
            }
            let valid = try tokens()
            try place.write(Array("{\"input_ids\":[1,2,3,4]}\n".utf8), to: "data/test.jsonl")
            #expect(try tokens() == 3 && valid != 3)
            #expect(try tokens(["--data", place("data/valid.jsonl")]) == valid)
            #expect(try tokens(["--max-seq-length", "3"]) == 2)
            for name in ["test.jsonl", "valid.jsonl"] { try Folder.remove(place("data/" + name)) }
            try expectFailure(66, "not-found", eval(place))
        }
    }

    @Test("broken lines are skipped and counted; --strict stops at the first, for verify too")
    func strict() throws {
        try trained { place in
            try place.write(Array("{\"input_ids\":[1,2,3,4]}\n{\"input_ids\":[1,\n".utf8), to: "data/test.jsonl")
            let verify = ["verify"] + eval(place).dropFirst()
            for command in [eval(place), verify] {
                #expect(try succeed(command).errors.contains("tenon: warning: lines skipped in all: 1"))
                try expectFailure(65, "bad-data-line", command + ["--strict"])
                #expect(try runTool(command + ["--strict"]).errors.contains("line 2"))
            }
        }
    }

    @Test("verify tells of a gate that is not met where it tells of what is well")
    func verifies() throws {
        try trained { place in
            let verify = ["verify"] + eval(place).dropFirst()
            #expect(try succeed(verify + ["--max-loss", "100"]).output.contains("\nok  quality     loss "))
            let run = try runTool(verify + ["--max-loss", "0.5"])
            #expect(
                run.status == 1 && run.output.contains("\nno  quality     the loss is too high: expected at most 0.5"))
            expectErrorLines(run)
            // What is damaged is an error, and no answer.
            var bytes = try contents(of: place("x.tenon"))
            bytes[bytes.count / 2] ^= 1
            try place.write(bytes, to: "x.tenon")
            #expect(try !runTool(verify).output.contains("no  "))
        }
    }

    @Test("inspect tells of the base once, and of its name beneath")
    func inspects() throws {
        try trained { place in
            let lines = try succeed(["inspect", place("x.tenon")]).output.split(separator: "\n")
            #expect(lines.count { $0.hasPrefix("base:") } == 1)
            #expect(lines.count { $0.hasPrefix("  named:") && $0.hasSuffix(TrainingPlace.base()) } == 1)
        }
    }

    @Test("what cannot be evaluated says why")
    func refusals() throws {
        try trained { place in
            try expectFailure(64, "usage", ["eval", place("x.tenon"), "--base", TrainingPlace.base()])
            try expectFailure(64, "usage", ["eval", place("x.tenon"), "--data", place("data")])
            try expectFailure(66, "not-found", eval(place, adapter: "none.tenon"))
            let container = try packed("loha", in: place, as: "loha.tenon")
            try expectFailure(65, "not-trainable", ["eval", container] + eval(place, adapter: nil).dropFirst())
            try expectFailure(65, "base-mismatch", eval(place, ["--base", TrainingPlace.base("llama3-rope")]))
            try expectFailure(65, "base-incompatible", eval(place, ["--base", TrainingPlace.base("mistral")]))
        }
    }
}
