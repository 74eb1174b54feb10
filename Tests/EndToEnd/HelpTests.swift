import Files
import Support
import Testing

@Suite("Help")
struct HelpTests {
    static let verbs = ["pack", "unpack", "inspect", "verify", "fingerprint", "extract", "apply"]

    private func help(_ arguments: [String]) throws -> String {
        let run = try runTool(arguments, environment: ["COLUMNS": "100"])
        #expect(run.status == 0 && run.errors == "")
        return run.output
    }

    /// What the help of `verb` ends with; nil for the tool itself.
    private func example(of verb: String?) throws -> String {
        let lines = try help((verb.map { [$0] } ?? []) + ["--help"]).split(separator: "\n")
        try #require(lines.dropLast().last == "EXAMPLE:")
        return String(try #require(lines.last)).trimmingSpaces
    }

    @Test("is as it was; TENON_UPDATE_SNAPSHOTS=1 takes in what changed", arguments: [nil] + verbs.map(Optional.some))
    func snapshot(verb: String?) throws {
        let text = try help((verb.map { [$0] } ?? []) + ["--help"])
        let folder = Paths.joined(Paths.parent(of: #filePath), "Snapshots")
        let path = Paths.joined(folder, "\(verb ?? "tenon").txt")
        if Syscalls.environment("TENON_UPDATE_SNAPSHOTS") != nil {
            if try !exists(folder) { try? Folder.make(folder) }
            try writeFile(Array(text.utf8), to: path)
        }
        #expect(try text == String(decoding: contents(of: path), as: UTF8.self))
    }

    @Test("of every verb is listed and can be had in three ways", arguments: verbs)
    func listed(verb: String) throws {
        #expect(try help(["--help"]).contains("\n  \(verb) "))
        let text = try help([verb, "--help"])
        #expect(try text == help([verb, "-h"]) && text == help(["help", verb]))
    }

    @Test("ends with an example that works", arguments: [nil] + verbs.map(Optional.some))
    func examples(verb: String?) throws {
        let example = try example(of: verb)
        #expect(example.hasPrefix("tenon "))
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("my-adapter"))
            if example.contains("my-model") { try copyFolder(Models.path("llama"), to: place("my-model")) }
            if example.contains("my-model-tuned") {
                try Models.copy("llama", to: place("my-model-tuned")) { $1.flipped(byte: 4) }
            }
            if example.contains(" my-adapter.tenon --") {
                let isBound = example.contains(" --base my-model")
                let more = isBound ? ["--base", place("my-model")] : []
                let pack = ["pack", place("my-adapter"), "-o", place("my-adapter.tenon")]
                #expect(try runTool(pack + more).status == 0)
            }
            let run = try runShell(example, in: place.path)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors == "" && !run.output.isEmpty)
        }
    }

    @Test("the version names tool, container, zstd and instruction set")
    func version() throws {
        let text = try help(["--version"])
        let pattern =
            /tenon \d+\.\d+\.\d+\S* \(container \d+\.\d+.*, zstd \d+\.\d+\.\d+, simd (portable|avx2|avx512|neon)\)\n/
        #expect(text.wholeMatch(of: pattern) != nil, "\(text)")
    }

    @Test("completions for the shells", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let script = try help(["--generate-completion-script", shell])
        for word in Self.verbs + ["quantize", "dry-run", "threads"] { #expect(script.contains(word)) }
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(drop { $0 == " " }) }
}
