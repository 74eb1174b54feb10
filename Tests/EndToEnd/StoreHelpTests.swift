import Files
import Support
import Testing

@Suite("Help of the store")
struct StoreHelpTests {
    static let verbs = [
        "init", "add", "get", "list", "show", "tag", "remove", "gc", "fsck", "repair", "scrub", "export", "import",
    ]

    private func help(_ words: [String]) throws -> String {
        let run = try runTool(words, environment: ["COLUMNS": "100"])
        #expect(run.status == 0 && run.errors == "")
        return run.output
    }

    @Test("is as it was; TENON_UPDATE_SNAPSHOTS=1 takes in what changed", arguments: verbs)
    func snapshot(verb: String) throws {
        let text = try help(["store", verb, "--help"])
        let path = Paths.joined(Paths.joined(Paths.parent(of: #filePath), "Snapshots"), "store-\(verb).txt")
        if Syscalls.environment("TENON_UPDATE_SNAPSHOTS") != nil { try writeFile(Array(text.utf8), to: path) }
        #expect(try text == String(decoding: contents(of: path), as: UTF8.self))
        #expect(try help(["store", "--help"]).contains("\n  \(verb) "))
    }

    @Test("ends with an example that works", arguments: verbs)
    func examples(verb: String) throws {
        let lines = try help(["store", verb, "--help"]).split(separator: "\n")
        try #require(lines.dropLast().last == "EXAMPLE:")
        let example = String(try #require(lines.last)).drop { $0 == " " }
        try inFolder { place in
            try copyFolder(Fixtures.path("lora-llama"), to: place("my-adapter"))
            if verb != "init" {
                let store = try StoreFixture(in: place, named: "my-store")
                if verb != "add" { try store.add("lora-llama", as: "support-bot:v3") }
                if verb == "import" { try store.run(["export", "--all", "-o", place("my-layout")]) }
            }
            let run = try runShell(String(example), in: place.path)
            #expect(run.status == 0 && run.errors == "" && !run.output.isEmpty, "\(run.errors)")
        }
    }
}
