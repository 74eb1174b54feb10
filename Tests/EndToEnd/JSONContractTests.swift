import Files
import JSON
import Support
import Testing

@Suite("JSON keys that scripts rely on")
struct JSONContractTests {
    @Test func pack() throws {
        try inFolder { place in
            let run = try runTool(["pack", Fixtures.path("lora-llama"), "-o", place("a.tenon"), "--json"])
            let document = try document(run)
            let logical = try #require(document["logicalBytes"]?.int)
            let stored = try #require(document["storedBytes"]?.int)
            #expect(try InputFile(path: place("a.tenon")).size == stored)
            let files = try Folder.entries(of: Fixtures.path("lora-llama"))
            #expect(files.reduce(0) { $0 + $1.size } == logical)
            let share = try #require(document["savedShare"]?.double)
            #expect(abs(share - (1 - Double(stored) / Double(logical))) < 1e-12)
            #expect(document["seconds"]?.double ?? -1 > 0)
            let causes = try #require(document["byCause"]?.object?.members)
            #expect(causes.reduce(0) { $0 + ($1.value.int ?? .min) } == logical - stored)
        }
    }

    @Test func inspect() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let document = try document(try runTool(["inspect", container, "--json"]))
            #expect(document["format"]?.string == "tenon")
            #expect(document["method"]?.string == "lora")
            for key in ["contentDigest", "indexDigest"] { #expect(document[key]?.string?.count == 64) }
            #expect(document["blobDigest"]?.isNull == true)
            #expect(document["base"]?.isNull == true)
            let weights = try Checkpoint(Paths.joined(Fixtures.path("lora-llama"), "adapter_model.safetensors"))
            #expect(
                document["parameters"]?.int
                    == weights.tensors.values.reduce(0) { $0 + $1.shape.reduce(1, *) })
            #expect(document["storedBytes"]?.int == (try InputFile(path: container).size))

            let entries = try #require(document["entries"]?.array)
            var logical = 0
            for entry in entries {
                #expect(entry["target"]?.string != nil && entry["kind"]?.string != nil)
                if entry["kind"]?.string == "lora" { #expect(entry["rank"]?.int == 4) }
                for tensor in entry["tensors"]?.array ?? [] {
                    #expect(tensor.object?.keys == ["role", "dtype", "shape", "logicalBytes", "storedBytes"])
                    logical += tensor["logicalBytes"]?.int ?? 0
                }
            }
            #expect(document["logicalBytes"]?.int == logical)

            let run = try runTool(["inspect", container, "--json", "--blob-digest"])
            let sum = try runTool([container], executable: "/usr/bin/sha256sum").output.prefix { $0 != " " }
            #expect(try JSONValue.parse(run.standardOutput)["blobDigest"]?.string == String(sum))
        }
    }

    @Test(arguments: ["structure", "quick", "full"])
    func verify(level: String) throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let document = try document(try runTool(["verify", container, "--level", level, "--json"]))
            #expect(document["ok"]?.bool == true && document["level"]?.string == level)
            let checks = try #require(document["checks"]?.array)
            #expect(!checks.isEmpty)
            for check in checks {
                #expect(check["ok"]?.bool == true && check["name"]?.string != nil && check["detail"]?.string != nil)
            }
        }
    }

    @Test func unpack() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let document = try document(try runTool(["unpack", container, "-o", place("out"), "--json"]))
            #expect(document["format"]?.string == "peft")
            let files = (document["files"]?.array ?? []).compactMap(\.string)
            #expect(files == (try Folder.entries(of: place("out")).map { place("out/" + $0.name) }))
        }
    }

    @Test("names of strangers are escaped for people and whole for scripts")
    func escaped() throws {
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("in"))
            try place.write([1], to: "in/red\u{202E}.txt")
            #expect(try runTool(["pack", place("in"), "-o", place("a.tenon")]).status == 0)
            let text = try runTool(["inspect", place("a.tenon"), "--tensors"])
            #expect(text.output.contains("red\\u{202e}.txt") && !text.output.contains("\u{202E}"))
            let document = try document(try runTool(["inspect", place("a.tenon"), "--json"]))
            let targets = (document["entries"]?.array ?? []).compactMap { $0["target"]?.string }
            #expect(targets.contains("red\u{202E}.txt"))

            try place.write([1], to: "in/\u{1B}[31mred")
            let refused = try runTool(["pack", place("in"), "-o", place("b.tenon")])
            #expect(refused.status == 65 && refused.errors.contains("\\u{1b}[31mred"))
            #expect(!refused.errors.contains("\u{1B}"))
        }
    }
}
