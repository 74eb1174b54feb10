import Files
import JSON
import Support
import Testing

/// The one document that a run with `--json` printed, which must be all of its standard output.
func document(_ run: ToolRun, sourceLocation: SourceLocation = #_sourceLocation) throws -> JSONValue {
    do {
        return try JSONValue.parse(run.standardOutput)
    } catch {
        Issue.record("no single document: \(run.output) \(run.errors)", sourceLocation: sourceLocation)
        throw error
    }
}

/// Runs the tool twice, as a person and as a script would, and expects it to fail both times in the same way: with
/// this exit status and code, one line `tenon: error:` and then only hints, and nothing on the standard output that
/// does not belong there.
func expectFailure(
    _ status: Int32, _ code: String, _ arguments: [String], environment: [String: String?] = [:], stdin: [UInt8] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let run = try runTool(arguments, environment: environment, stdin: stdin)
    #expect(run.status == status && run.signal == nil, "\(run.errors)", sourceLocation: sourceLocation)
    #expect(run.output == "", sourceLocation: sourceLocation)
    expectErrorLines(run, sourceLocation: sourceLocation)

    let script = try runTool(arguments + ["--json"], environment: environment, stdin: stdin)
    #expect(script.status == status && script.signal == nil, "\(script.errors)", sourceLocation: sourceLocation)
    expectErrorLines(script, sourceLocation: sourceLocation)
    let document = try document(script, sourceLocation: sourceLocation)
    // A verification also says what it found until then.
    let isPlain = document.object?.keys == ["error"]
    #expect(isPlain || (arguments[0] == "verify" && document["ok"]?.bool == false), sourceLocation: sourceLocation)
    let error = document["error"]
    #expect(
        error?.object?.keys == ["code", "message", "path", "offset", "tensor", "hint"], sourceLocation: sourceLocation)
    #expect(error?["code"]?.string == code, "\(script.errors)", sourceLocation: sourceLocation)
}

/// One line `tenon: error: WHAT (WHERE)`, then hints; warnings may come before.
func expectErrorLines(_ run: ToolRun, sourceLocation: SourceLocation = #_sourceLocation) {
    let lines = run.errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let rest = lines.drop { $0.hasPrefix("tenon: warning: ") }
    #expect(rest.first?.hasPrefix("tenon: error: ") == true, "\(run.errors)", sourceLocation: sourceLocation)
    #expect(rest.dropFirst().allSatisfy { $0.hasPrefix("hint: ") }, "\(run.errors)", sourceLocation: sourceLocation)
}

/// Packs a fixture and gives the container's path; the test ends where that fails.
func packed(_ name: String, in place: TemporaryFolder, as file: String = "a.tenon") throws -> String {
    let run = try runTool(["pack", Fixtures.path(name), "-o", place(file)])
    try #require(run.status == 0, "\(run.errors)")
    return place(file)
}
