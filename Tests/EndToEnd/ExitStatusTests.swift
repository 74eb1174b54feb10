import Files
import Support
import Testing

@Suite("Exit statuses")
struct ExitStatusTests {
    @Test("a bare tenon prints its help and exits 64")
    func bare() throws {
        let run = try runTool([])
        #expect(run.status == 64)
        #expect(run.output.hasPrefix("OVERVIEW: ") && run.errors == "")
    }

    @Test(
        "what cannot be a command is a usage error",
        arguments: [
            ["frobnicate"], ["--frobnicate"], ["pack"], ["pack", "x"], ["pack", "-o", "y"], ["unpack", "x"],
            ["inspect"], ["inspect", "a", "b"], ["verify", "x", "--level", "deep"], ["pack", "x", "-o", "y", "--wat"],
            ["pack", "x", "-o", "y", "--quantize", "int3"], ["pack", "x", "-o", "y", "--dtype", "f64"],
            ["pack", "x", "-o", "y", "--compression", "best"], ["unpack", "x", "-o", "y", "--format", "gguf3"],
            ["verify", "x", "--threads", "0"], ["verify", "x", "--threads", "many"], ["verify", "x", "--memory", "0"],
            ["verify", "x", "--memory", "1XB"], ["pack", "-", "-o", "y"],
        ])
    func usage(arguments: [String]) throws {
        try expectFailure(64, "usage", arguments)
    }

    @Test("what was asked for and is no command succeeds", arguments: [["--help"], ["--version"], ["help", "pack"]])
    func asked(arguments: [String]) throws {
        let run = try runTool(arguments)
        #expect(run.status == 0 && !run.output.isEmpty && run.errors == "")
    }

    @Test("missing input is 66")
    func missing() throws {
        try inFolder { place in
            let nothing = place("nothing")
            try expectFailure(66, "not-found", ["pack", nothing, "-o", place("a")])
            try expectFailure(66, "not-found", ["pack", place("*.d"), "-o", place("a")])
            try expectFailure(66, "not-found", ["unpack", nothing, "-o", place("a")])
            try expectFailure(66, "not-found", ["inspect", nothing])
            try expectFailure(66, "not-found", ["verify", nothing])
            try expectFailure(66, "not-regular", ["verify", place.path])
            try expectFailure(66, "not-regular", ["inspect", "/dev/null"])
            #expect(try place.names() == [])
        }
    }

    @Test("malformed input is 65")
    func malformed() throws {
        try inFolder { place in
            try place.write(Array(repeating: UInt8(ascii: "t"), count: 400), to: "text")
            try place.write([], to: "empty")
            for verb in [["inspect"], ["verify"], ["unpack", "-o", place("out")]] {
                try expectFailure(65, "not-this-format", verb + [place("text")])
                try expectFailure(65, "truncated", verb + [place("empty")])
            }
            #expect(try place.names() == ["empty", "text"])
        }
    }

    @Test("a place where no output can be is 73")
    func cannotCreate() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let source = Fixtures.path("lora-llama")
            try expectFailure(73, "cannot-create", ["pack", source, "-o", place("no/such/a.tenon")])
            try expectFailure(73, "cannot-create", ["pack", source, "-o", container + "/a.tenon"])
            try expectFailure(73, "cannot-create", ["pack", source, "-o", place.path, "--force"])
            try expectFailure(73, "cannot-create", ["pack", source, "-o", "/dev/null", "--force"])
            try expectFailure(73, "cannot-create", ["unpack", container, "-o", place("no/such")])
            try expectFailure(73, "output-exists", ["pack", source, "-o", container])
            try expectFailure(73, "output-exists", ["unpack", container, "-o", container])
            #expect(try runTool(["unpack", container, "-o", "-"]).status == 64)
            #expect(try runTool(["pack", source, Fixtures.path("ia3"), "-o", "-"]).status == 64)
            #expect(try place.names() == ["a.tenon"])
        }
    }
}
