import Files
import JSON
import Support
import Testing

@Suite("Merging adapters by the command line")
struct MergeTests {
    private static func fixture(_ name: String) -> String {
        Paths.joined(Fixtures.root, "merge/adapters/\(name)")
    }

    private let adapters = [Self.fixture("x"), Self.fixture("y")]

    @Test("gives a LoRA that every other verb takes")
    func wholeWay() throws {
        try inFolder { place in
            let run = try succeed(
                ["merge"] + adapters + [
                    "-o", place("m.tenon"), "--merge-method", "svd", "--weights", "0.8,-0.3", "--json",
                ])
            let report = try document(run)
            #expect(report["tensors"]?.array?.count == 4 && report["method"]?.string == "svd")
            let target = try #require(report["tensors"]?.array?.first)
            #expect(target["ranks"]?.array?.compactMap(\.int) == [3, 2] && target["rank"]?.int == 3)
            #expect(try #require(report["leftOutShare"]?.double) > 0)
            try succeed(["verify", place("m.tenon")])
            let inspected = try document(succeed(["inspect", place("m.tenon"), "--json"]))
            #expect(inspected["method"]?.string == "lora")
            #expect(inspected["contentDigest"]?.string == report["contentDigest"]?.string)
            try succeed(["unpack", place("m.tenon"), "-o", place("peft")])
            let config = try JSONValue.parse(contents(of: place("peft/adapter_config.json")))
            #expect(config["r"]?.int == 3 && config["lora_alpha"]?.int == 3 && config["peft_type"]?.string == "LORA")
            // Merging what was unpacked is merging what was packed.
            try succeed(["merge", place("peft"), "-o", place("again.tenon"), "--merge-method", "cat"])
        }
    }

    @Test("keeps the base that all are bound to, and refuses another")
    func bases() throws {
        try inFolder { place in
            let base = Models.path("llama")
            for name in ["a", "b"] {
                try succeed(["pack", Fixtures.path("lora-llama"), "-o", place("\(name).tenon"), "--base", base])
            }
            let run = try succeed(["merge", place("a.tenon"), place("b.tenon"), "-o", place("m.tenon"), "--json"])
            #expect(try document(run)["baseRoot"]?.string != nil)
            try succeed(["verify", place("m.tenon"), "--base", base])
            try succeed(["apply", place("m.tenon"), "--base", base, "-o", place("merged")])
            try succeed(["apply", place("a.tenon"), "--base", base, "-o", place("alone")])

            try copyFolder(base, to: place("other"))
            let weights = try Models.weights(place("other"))
            try Models.write(
                weights.tensors.map { ($0, $0 == "model.norm.weight" ? $1.flipped(byte: 3) : $1) },
                to: place("other/model.safetensors"))
            try succeed(["pack", Fixtures.path("lora-llama"), "-o", place("c.tenon"), "--base", place("other")])
            let both = ["merge", place("a.tenon"), place("c.tenon"), "-o", place("n.tenon")]
            try expectFailure(65, "base-mismatch", both)
            #expect(try !exists(place("n.tenon")))
            let unbound = try document(succeed(both + ["--base-check", "off", "--json"]))
            #expect(unbound["baseRoot"]?.isNull == true)
        }
    }

    @Test("takes words with hyphens and with underscores, and tells of patterns that are for nothing")
    func words() throws {
        try inFolder { place in
            for (number, word) in ["dare-ties", "dare_ties"].enumerated() {
                let run = try document(
                    succeed(
                        ["merge"] + adapters + ["-o", place("\(number).tenon"), "--merge-method", word, "--json"]))
                #expect(run["method"]?.string == "dare-ties")
            }
            #expect(try contents(of: place("0.tenon")) == contents(of: place("1.tenon")))
            try succeed(
                ["merge"] + adapters + [
                    "-o", place("2.tenon"), "--compat", "peft", "--combination-type", "dare-ties-svd",
                ])
            let patterns = ["--weight-pattern", "a=1,0", "--weight-pattern", "no_such_proj=1,0"]
            let run = try succeed(["merge"] + adapters + ["-o", place("3.tenon"), "--json"] + patterns)
            #expect(run.errors.contains("no_such_proj"))
            let warnings = try #require(try document(run)["warnings"]?.array)
            #expect(warnings.contains { $0.string?.contains("no module takes its weights") == true })
        }
    }

    @Test("a dry run tells what many adapters and whole products take")
    func memory() throws {
        try inFolder { place in
            func memory(_ arguments: [String]) throws -> Int {
                let run = try succeed(["merge"] + arguments + ["-o", place("m.tenon"), "--dry-run", "--json"])
                return try #require(try document(run)["memoryBytes"]?.int)
            }
            let svd = try memory(adapters + ["--compat", "peft", "--combination-type", "svd"])
            let products = try memory(
                adapters + ["--compat", "peft", "--combination-type", "ties_svd", "--density", "0.5"])
            #expect(try memory(adapters + ["--merge-method", "ties"]) >= memory(adapters) && products >= svd)
        }
    }

    @Test("says in its lineage what it was made from")
    func lineage() throws {
        try inFolder { place in
            try succeed(
                ["merge"] + adapters
                    + ["-o", place("m.tenon"), "--merge-method", "ties", "--density", "0.5", "--weights", "0.8,0.2"])
            let run = try succeed(["unpack", place("m.tenon"), "-o", place("m"), "--format", "safetensors"])
            #expect(run.status == 0)
            let header = try contents(of: place("m")).dropFirst(8)
            let text = String(decoding: header, as: UTF8.self)
            for word in ["lineage", "parents", "ties", "density"] { #expect(text.contains(word), "\(word)") }
        }
    }

    @Test("is the same file for any number of threads and any memory")
    func repeated() throws {
        try inFolder { place in
            let arguments =
                ["merge"] + adapters + ["--merge-method", "dare-ties", "--density", "0.5", "--seed", "3", "-o"]
            try succeed(arguments + [place("1.tenon"), "--threads", "1", "--memory", "64M"])
            try succeed(arguments + [place("2.tenon"), "--threads", "3"])
            #expect(try contents(of: place("1.tenon")) == contents(of: place("2.tenon")))
            try succeed(arguments.map { $0 == "3" ? "4" : $0 } + [place("3.tenon")])
            #expect(try contents(of: place("1.tenon")) != contents(of: place("3.tenon")))
        }
    }

    @Test("puts (IA)³ and virtual tokens together too")
    func others() throws {
        try inFolder { place in
            try succeed(["merge", Fixtures.path("ia3"), Fixtures.path("ia3"), "-o", place("i.tenon")])
            try succeed(["verify", place("i.tenon")])
            try succeed(["merge", Fixtures.path("prompt"), Fixtures.path("prompt"), "-o", place("p.tenon")])
            let one = try JSONValue.parse(contents(of: Fixtures.path("prompt") + "/adapter_config.json"))
            try succeed(["unpack", place("p.tenon"), "-o", place("p")])
            let two = try JSONValue.parse(contents(of: place("p/adapter_config.json")))
            #expect(
                try #require(two["num_virtual_tokens"]?.int) == 2 * (try #require(one["num_virtual_tokens"]?.int)))
            try expectFailure(
                65, "not-mergeable",
                ["merge", Fixtures.path("prompt"), Fixtures.path("prompt"), "-o", place("q.tenon"), "--weights", "1,2"])
            try expectFailure(
                65, "not-mergeable", ["merge", Fixtures.path("ia3"), adapters[0], "-o", place("q.tenon")])
            try expectFailure(
                65, "not-mergeable",
                ["merge", Fixtures.path("ia3"), Fixtures.path("ia3"), "--merge-method", "ties", "-o", place("q.tenon")])
            #expect(try !exists(place("q.tenon")))
        }
    }

    @Test("refuses what cannot be, and leaves nothing behind")
    func refusals() throws {
        try inFolder { place in
            let output = ["-o", place("m.tenon")]
            let usage: [[String]] = [
                adapters + ["--weights", "1"], adapters + ["--weights", "1,x"],
                adapters + ["--merge-method", "nothing"], adapters + ["--merge-method", "ties", "--density", "0"],
                adapters + ["--weight-pattern", "q_proj"], adapters + ["--weight-pattern", "q_proj=1"],
                adapters + ["--recipe", "some.yaml"], adapters + ["--resume"], adapters + ["--density", "0.5"],
                adapters + ["--merge-method", "cat", "--rank", "2"],
                adapters + ["--merge-method", "ties", "--density", "2"],
                adapters + ["--combination-type", "svd"], adapters + ["--compat", "peft", "--merge-method", "slerp"],
                adapters + ["--compat", "peft", "--combination-type", "nothing"],
                adapters + ["--compat", "peft", "--combination-type", "linear"],
                adapters + ["--merge-method", "slerp", "--weights", "1,-1"],
                adapters + ["--merge-method", "ties", "--gamma", "0.1"], adapters + ["--seed", "3"],
                adapters + ["--merge-method", "sce", "--weights", "1,2"], adapters + ["--tol", "0.1"],
                adapters + ["--majority-sign-method", "frequency"],
                adapters + ["--compat", "peft", "--combination-type", "svd", "--density", "0.5"],
                ["--recipe", "some.yaml", "--gamma", "0.1"], [],
            ]
            for arguments in usage { try expectFailure(64, "usage", ["merge"] + arguments + output) }
            try expectFailure(66, "not-found", ["merge", place("none.tenon"), "-o", place("m.tenon")])
            try expectFailure(66, "not-found", ["merge", "--recipe", place("none.yaml")] + output)
            try expectFailure(65, "not-mergeable", ["merge", Fixtures.path("lora-dora"), adapters[0]] + output)
            #expect(try Folder.entries(of: place.path).isEmpty)
            try succeed(["merge"] + adapters + output + ["--dry-run"])
            #expect(try Folder.entries(of: place.path).isEmpty)
            try succeed(["merge"] + adapters + output)
            try expectFailure(73, "output-exists", ["merge"] + adapters + output)
            try succeed(["merge"] + adapters + output + ["--force"])
        }
    }
}
