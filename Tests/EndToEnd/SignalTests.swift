import Files
import JSON
import Support
import Testing

/// Commands that somebody stops, or whose reader goes away.
@Suite("Interruptions")
struct SignalTests {
    private static let signals: [(signal: Int32, status: Int32, code: String)] = [
        (2, 130, "interrupted"), (15, 143, "terminated"),
    ]

    /// A stream that brings nothing for a while: the command waits, and the signal finds it there.
    private static let holding = "mkfifo held; sleep 4 >held 2>/dev/null & exec tenon "

    @Test("while it waits for input", arguments: ["verify - ", "inspect - ", "unpack - -o out "], 0..<2)
    func waiting(command: String, number: Int) throws {
        let (signal, status, code) = Self.signals[number]
        try inFolder { place in
            let run = try runShell(
                "export TMPDIR=.\n" + Self.holding + command + "--json <held", in: place.path,
                interrupt: (signal, 500))
            #expect(run.signal == nil && run.status == status, "\(run.errors)")
            #expect(try document(run)["error"]?["code"]?.string == code)
            #expect(try place.names() == ["held"])
        }
    }

    @Test("while it works, and nothing is left behind", arguments: 0..<2)
    func working(number: Int) throws {
        let (signal, status, _) = Self.signals[number]
        try inFolder { place in
            try SyntheticAdapter.make(at: place("in"), byteCount: 96 << 20, tensorBytes: 1 << 20)
            let run = try runTool(
                ["pack", place("in"), "-o", place("a.tenon"), "--compression", "max", "--threads", "2"],
                interrupt: (signal, 300))
            #expect(run.signal == nil && run.status == status, "\(run.errors)")
            expectErrorLines(run)
            #expect(try place.names() == ["in"])
        }
    }

    @Test("while nobody takes its output")
    func blocked() throws {
        try inFolder { place in
            try SyntheticAdapter.make(at: place("in"), byteCount: 2 << 20)
            let run = try runShell(
                "mkfifo held; sleep 4 <held 2>/dev/null & exec tenon pack in -o - >held", in: place.path,
                interrupt: (15, 500))
            // The thread that hangs in the write is not always the one that the signal comes to.
            withKnownIssue(isIntermittent: true) {
                #expect(run.signal == nil && run.status == 143, "\(run.errors)")
            }
        }
    }

    @Test(
        "a closed pipe ends it silently",
        arguments: ["inspect a.tenon --tensors", "verify a.tenon", "--help", "pack in -o -"])
    func closedPipe(command: String) throws {
        try inFolder { place in
            _ = try packed("lora-llama", in: place)
            try SyntheticAdapter.make(at: place("in"), byteCount: 2 << 20)
            let run = try runShell("{ sleep 0.3; tenon \(command); echo $? >status; } | :", in: place.path)
            #expect(run.errors == "")
            #expect(try contents(of: place("status")) == Array("0\n".utf8))
        }
    }

    @Test("input that is changed while it is read", arguments: ["printf x >>", ": >"])
    func changed(how: String) throws {
        try inFolder { place in
            try SyntheticAdapter.make(at: place("in"), byteCount: 4 << 20)
            // The pipe is full long before the end: what comes after it was changed meanwhile.
            let run = try runShell(
                """
                { tenon pack in -o -; echo $? >status; } | \
                { sleep 0.5; \(how) in/adapter_model.safetensors; cat >/dev/null; }
                """, in: place.path)
            #expect(try contents(of: place("status")) == Array("74\n".utf8))
            #expect(run.errors.hasPrefix("tenon: error: the file "))
            #expect(run.errors.contains("while it was read"))
            #expect(run.errors.contains("(in/adapter_model.safetensors"))
        }
    }
}
