import Files
import JSON
import Support
import Testing

@Suite("Outputs")
struct OutputTests {
    @Test("a file that is there is replaced with --force only")
    func forceFile() throws {
        try inFolder { place in
            let source = Fixtures.path("lora-llama")
            try place.write([1, 2, 3], to: "a.tenon")
            try expectFailure(73, "output-exists", ["pack", source, "-o", place("a.tenon")])
            try expectFailure(73, "output-exists", ["pack", source, "-o", place("a.tenon"), "--dry-run"])
            #expect(try contents(of: place("a.tenon")) == [1, 2, 3])
            #expect(try runTool(["pack", source, "-o", place("a.tenon"), "--force"]).status == 0)
            #expect(try runTool(["verify", place("a.tenon")]).status == 0)
            #expect(try place.names() == ["a.tenon"])
        }
    }

    @Test("a folder is replaced with --force only, and only one that tenon wrote")
    func forceFolder() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let unpack = ["unpack", container, "-o", place("out")]
            #expect(try runTool(unpack).status == 0)
            try expectFailure(73, "output-exists", unpack)
            #expect(try runTool(unpack + ["--force"]).status == 0)

            try Folder.make(place("mine"))
            try place.write([7], to: "mine/precious")
            try expectFailure(73, "output-exists", ["unpack", container, "-o", place("mine"), "--force"])
            #expect(try contents(of: place("mine/precious")) == [7])
            #expect(try place.names() == ["a.tenon", "mine", "out"])
        }
    }

    @Test("-o - writes the container to stdout and says the rest on stderr", arguments: [false, true])
    func standardOutput(json: Bool) throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let run = try runTool(
                ["pack", Fixtures.path("lora-llama"), "-o", "-"] + (json ? ["--json"] : []))
            #expect(run.status == 0)
            #expect(try run.standardOutput == contents(of: container))
            if json {
                #expect(try JSONValue.parse(run.standardError)["contentDigest"] != nil)
            } else {
                #expect(run.errors.contains("content "))
            }
            let failed = try runTool(["pack", place("nothing"), "-o", "-"] + (json ? ["--json"] : []))
            #expect(failed.status == 66 && failed.standardOutput == [])
        }
    }

    @Test("- reads the standard input, from a pipe and from a file")
    func standardInput() throws {
        try inFolder { place in
            let bytes = try contents(of: try packed("lora-llama", in: place))
            for verb in [["inspect", "-", "--json"], ["verify", "-", "--json"]] {
                let run = try runTool(verb, stdin: bytes)
                #expect(run.status == 0, "\(run.errors)")
                #expect(try document(run).object != nil)
            }
            let run = try runTool(["unpack", "-", "-o", place("out")], stdin: bytes)
            #expect(run.status == 0, "\(run.errors)")
            let source = Paths.joined(Fixtures.path("lora-llama"), "adapter_model.safetensors")
            #expect(try contents(of: place("out/adapter_model.safetensors")) == contents(of: source))
            #expect(try runShell("tenon verify - <a.tenon", in: place.path).status == 0)
            #expect(try runShell("cat a.tenon | tenon unpack - -o again", in: place.path).status == 0)
            try expectFailure(65, "truncated", ["verify", "-"], stdin: Array(bytes.dropLast(5)))
        }
    }

    @Test("a dry run writes nothing and names the exact size")
    func dryRun() throws {
        try inFolder { place in
            let pack = ["pack", Fixtures.path("lora-llama"), "-o", place("b.tenon")]
            let planned = try document(try runTool(pack + ["--dry-run", "--json"]))
            let text = try runTool(pack + ["--dry-run"])
            #expect(text.output.contains("would write") && text.output.contains("memory"))
            #expect(try place.names() == [])
            let done = try document(try runTool(pack + ["--json"]))
            for key in ["storedBytes", "contentDigest", "indexDigest", "byCause"] { #expect(planned[key] == done[key]) }
            #expect(try InputFile(path: place("b.tenon")).size == planned["storedBytes"]?.int)
            #expect(text.output.contains("\(planned["storedBytes"]?.int ?? 0) bytes"))

            for format in ["peft", "vllm", "safetensors"] {
                let run = try runTool(["unpack", place("b.tenon"), "-o", place("out"), "--format", format, "--dry-run"])
                #expect(run.status == 0 && run.output.contains("would write") && run.output.contains("memory"))
            }
            #expect(try runTool(["pack", Fixtures.path("ia3"), pack[1], "-o", place("many"), "--dry-run"]).status == 0)
            #expect(try place.names() == ["b.tenon"])
        }
    }

    @Test("--quiet says nothing on stderr, --verbose the seconds of each stage")
    func quietAndVerbose() throws {
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("in"))
            try place.write([1], to: "in/optimizer.pt")
            let pack = ["pack", place("in"), "-o", place("a.tenon"), "--force"]
            #expect(try runTool(pack).errors.contains("tenon: warning: "))
            #expect(try runTool(pack + ["--quiet"]).errors == "")
            let verbose = try runTool(pack + ["--verbose", "--quiet"])
            for stage in ["read", "encode", "commit"] {
                #expect(verbose.errors.contains("tenon: \(stage)"))
            }
            #expect(try runTool(["verify", place("a.tenon"), "--verbose"]).errors.contains("tenon: digests"))
            #expect(try runTool(["inspect", place("a.tenon"), "--verbose"]).errors.contains("tenon: index"))
            let unpack = try runTool(["unpack", place("a.tenon"), "-o", place("out"), "--verbose"])
            #expect(unpack.errors.contains("tenon: decode"))
        }
    }
}
