import Files
import JSON
import Support
import Testing

/// Tiny models with tokenizers, and what `transformers` generates with them: `Fixtures/generation`.
enum GenerationPlace {
    static func base(_ name: String = "llama") -> String {
        Paths.joined(Fixtures.root, "generation/bases/" + name)
    }

    static func adapter(_ name: String) -> String { Paths.joined(Fixtures.root, "generation/adapters/" + name) }

    struct Golden: Sendable, CustomTestStringConvertible {
        let name: String
        let base: String
        /// As the command line takes them.
        let adapters: [String]
        let prompt: String
        let promptTokens: Int
        let ids: [Int]
        let text: String

        var testDescription: String { name }

        /// The arguments that give it.
        var command: [String] {
            [
                "generate", "--base", GenerationPlace.base(base), "--prompt", prompt, "--max-tokens", "\(ids.count)",
                "--quiet",
            ]
                + adapters.flatMap { ["--adapter", $0] }
        }
    }

    static let goldens: [Golden] = {
        let path = Paths.joined(Fixtures.root, "generation/expected.json")
        guard let bytes = try? contents(of: path), let document = try? JSONValue.parse(bytes) else { return [] }
        return (document.array ?? []).map { one in
            let adapters = (one["adapters"]?.object?.members ?? []).map { name, weight in
                "\(name)=\(adapter(name))@\(weight.double ?? 0)"
            }
            return Golden(
                name: one["name"]?.string ?? "", base: one["base"]?.string ?? "", adapters: adapters,
                prompt: one["prompt"]?.string ?? "", promptTokens: one["promptIds"]?.array?.count ?? 0,
                ids: (one["ids"]?.array ?? []).compactMap(\.int), text: one["text"]?.string ?? "")
        }
    }()

    static func golden(_ name: String) throws -> Golden { try #require(goldens.first { $0.name == name }) }

    /// A copy of a base whose tokenizer has other settings.
    static func copy(_ name: String = "llama", to folder: String, settings: JSONValue) throws {
        try copyFolder(base(name), to: folder)
        try writeFile(JSONWriter.bytes(of: settings, .compact), to: folder + "/tokenizer_config.json")
    }

    static let template =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}"
}
