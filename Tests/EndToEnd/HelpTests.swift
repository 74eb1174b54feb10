import Files
import Support
import Testing

@Suite("Help")
struct HelpTests {
    static let verbs = [
        "pack", "unpack", "inspect", "verify", "fingerprint", "extract", "apply", "unapply", "switch", "merge",
        "resize", "diff", "plan", "report", "train", "eval", "generate", "store",
    ]

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
            try prepare(for: example, in: place)
            let run = try runShell(example, in: place.path)
            #expect(run.status == 0, "\(run.errors)")
            // An adapter of PEFT's is bound to no base, and whoever applies it is told; training tells of its steps.
            let lines = run.errors.split(separator: "\n").filter { !$0.hasPrefix("tenon: step ") }
            #expect(lines.allSatisfy { $0.contains("is bound to no base") } && !run.output.isEmpty, "\(run.errors)")
        }
    }

    /// Makes the files that an example names.
    private func prepare(for example: String, in place: TemporaryFolder) throws {
        if example.contains(" generate ") {
            try copyFolder(GenerationPlace.base(), to: place("my-model"))
            try succeed(["pack", GenerationPlace.adapter("llama-first"), "-o", place("my-adapter.tenon"), "--quiet"])
            return
        }
        let base = Paths.joined(Fixtures.root, "bases/llama")
        try copyFolder(Fixtures.path("lora-llama"), to: place("my-adapter"))
        let isRead = example.contains(" my-adapter.tenon") && !example.contains("-o my-adapter.tenon")
        if isRead { _ = try packed("lora-llama", in: place, as: "my-adapter.tenon") }
        if example.contains(" my-model") { try copyFolder(base, to: place("my-model")) }
        if example.contains(" my-model-tuned") { try copyFolder(base, to: place("my-model-tuned")) }
        if example.contains(" other.tenon") { _ = try packed("loha", in: place, as: "other.tenon") }
        if example.contains(" my-second.tenon") { _ = try packed("lora-llama", in: place, as: "my-second.tenon") }
        if example.contains(" my-data") { try prepareData(for: example, in: place) }
        guard example.contains(" --merged ") else { return }
        try succeed([
            "apply", place("my-adapter.tenon"), "--base", place("my-model"), "-o", place("merged-model"), "--undo",
            place("my-undo.tenon"),
        ])
    }

    /// A row to be learned by heart, and for a gate an adapter that has done so.
    private func prepareData(for example: String, in place: TemporaryFolder) throws {
        try Folder.make(place("my-data"))
        for name in ["train", "valid"] {
            try place.write(Array("{\"input_ids\":[3,1,4,1,5,9,2,6]}\n".utf8), to: "my-data/\(name).jsonl")
        }
        guard example.contains(" my-adapter.tenon --base") else { return }
        try succeed([
            "train", "--base", place("my-model"), "--data", place("my-data"), "-o", place("my-adapter.tenon"),
            "--force",
            "--iters", "100", "--learning-rate", "1e-2",
        ])
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
