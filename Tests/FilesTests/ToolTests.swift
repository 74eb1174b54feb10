import Support
import Testing

/// The runs of other programs that the end-to-end tests rest on.
@Suite struct ToolTests {
    private func shell(
        _ script: String, environment: [String: String?] = [:], stdin: [UInt8] = [], secondsAllowed: Int = 20,
        interrupt: (signal: Int32, afterMilliseconds: Int)? = nil
    ) throws -> ToolRun {
        try runTool(
            ["-c", script], environment: environment, stdin: stdin, executable: "/bin/sh",
            secondsAllowed: secondsAllowed, interrupt: interrupt)
    }

    @Test func outputErrorsAndStatus() throws {
        let run = try shell("echo out; echo err >&2; sleep 0.1; exit 3")
        #expect(run.output == "out\n" && run.errors == "err\n" && run.status == 3 && run.signal == nil)
        #expect(run.peakMemory > 100_000)
    }

    @Test func muchGoesInAndOutAtOnce() throws {
        var random = RepeatableRandom(seed: 3)
        let bytes = random.bytes(300_000)
        let run = try shell("tee /dev/stderr", stdin: bytes)
        #expect(run.standardOutput == bytes && run.standardError == bytes)
    }

    @Test func inputThatNobodyReads() throws {
        let run = try shell("exec <&-; exit 0", stdin: [UInt8](repeating: 0, count: 200_000))
        #expect(run.status == 0)
    }

    @Test func environment() throws {
        let run = try shell("echo $TENON_A-${HOME-none}", environment: ["TENON_A": "x y", "HOME": nil])
        #expect(run.output == "x y-none\n")
    }

    @Test func signalsAndLimits() throws {
        #expect(try shell("kill -9 $$").signal == 9)
        #expect(try shell("exec sleep 20", interrupt: (2, 50)).signal == 2)
        let run = try runTool(["20"], executable: "/bin/sleep", secondsAllowed: 0)
        #expect(run.timedOut && run.signal == 9)
        #expect(throws: ToolError.self) { try runTool([], executable: "/nowhere/tenon") }
    }
}
