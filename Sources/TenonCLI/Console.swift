import Diagnostics
import Files
import JSON
import Packaging

/// Results on stdout, everything else on stderr; with `--json` exactly one document on stdout, success or error.
struct Console: Sendable {
    let isJSON: Bool
    let isQuiet: Bool
    /// Whether stdout carries a container (`-o -`), so that results go to stderr.
    var resultsToStandardError = false

    init(json: Bool, quiet: Bool) {
        isJSON = json
        isQuiet = quiet
    }

    /// Before parsing has succeeded: looks for the flags itself, so that usage errors are reported in the form asked for.
    init(arguments: [String]) {
        let options = arguments.dropFirst().prefix { $0 != "--" }
        self.init(json: options.contains("--json"), quiet: options.contains("--quiet"))
        let pairs = zip(options, options.dropFirst())
        resultsToStandardError = pairs.contains { ($0 == "-o" || $0 == "--output") && $1 == "-" }
    }

    /// A line of the result, for people.
    func result(_ line: String) {
        write(line, to: resultsToStandardError ? 2 : 1)
    }

    /// The result, for scripts.
    func result(_ document: JSONValue) {
        result(String(decoding: JSONWriter.bytes(of: document, .pretty), as: UTF8.self))
    }

    /// A part of the result as it comes, without a line end.
    ///
    /// Throws ``Failure/Code/closedPipe`` where nobody reads any more: what makes the parts can end then.
    func resultPart(_ text: String) throws(Failure) {
        do throws(Errno) {
            try Syscalls.writeAll(Array(text.utf8), to: 1)
        } catch {
            throw Failure(error, .output, "cannot write the result", path: "standard output")
        }
    }

    func warn(_ finding: Finding) {
        if !isQuiet { write("tenon: warning: \(finding)", to: 2) }
    }

    /// How long each stage took, for who asked.
    func tell(_ times: StageTimes) {
        for stage in times.stages {
            write("tenon: \(stage.name.padded(to: 10))\(stage.seconds.text(decimals: 3)) s", to: 2)
        }
    }

    /// `asDocument` is false where the error is part of a document that was printed already.
    func report(_ failure: Failure, asDocument: Bool = true) {
        if failure.code == .closedPipe { return }
        write("tenon: error: \(failure)", to: 2)
        for hint in failure.hints { write("hint: \(hint.escapedForTerminal)", to: 2) }
        if failure.code == .internal {
            write("hint: this is a fault of tenon's own; please report the line above", to: 2)
        }
        if isJSON && asDocument { result(["error": failure.document]) }
    }

    private func write(_ line: String, to descriptor: Int32) {
        let bytes = Array((line + "\n").utf8)
        do throws(Errno) {
            try Syscalls.writeAll(bytes, to: descriptor)
        } catch {
            let failure = Failure(error, .output, "cannot write the result", path: "standard output")
            // A reader that has gone needs no result; any other that did not get it has to know.
            if failure.isClosedPipe || descriptor == 2 { return }
            try? Syscalls.writeAll(Array("tenon: error: \(failure)\n".utf8), to: 2)
            Syscalls.exit(failure.code.status.rawValue)
        }
    }
}

extension Failure {
    var document: JSONValue {
        [
            "code": .string(code.word), "message": .string(description), "path": path.map(JSONValue.string) ?? nil,
            "offset": offset.map { JSONValue($0) } ?? nil, "tensor": object.map(JSONValue.string) ?? nil,
            "hint": hints.isEmpty ? nil : .string(hints.joined(separator: "\n")),
        ]
    }
}
