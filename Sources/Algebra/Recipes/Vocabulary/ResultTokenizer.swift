import Checkpoints
import DeltaAlgebra
import Diagnostics
import JSON

/// The tokenizer's files of the result.
struct ResultTokenizer {
    private static let configName = "tokenizer_config.json"
    private static let templateName = "chat_template.jinja"
    private static let names = [
        TokenizerFile.name, configName, "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "vocab.txt", "tokenizer.model", "spiece.model", templateName, "chat_template.json",
    ]

    private(set) var written: [MergeFiles.Written] = []
    /// Files of the model that the result's config is of that do not go along.
    private(set) var dropped: Set<String> = []

    /// - Parameters:
    ///   - main: The model whose files the result has otherwise.
    ///   - models: All of the recipe, for the template.
    init(
        _ vocabulary: ResultVocabulary?, _ template: ChatTemplateRequest?, main: MergeModel, models: [MergeModel]
    ) throws(Failure) {
        let owner = vocabulary?.main.model ?? main
        var files: [String: [UInt8]] = [:]
        if let vocabulary {
            if owner.checkpoint.folder != main.checkpoint.folder {
                dropped.formUnion(Self.names)
                for name in Self.names { files[name] = try CompanionText.bytes(name, of: owner.checkpoint) }
            }
            if !vocabulary.added.isEmpty {
                files[TokenizerFile.name] = try vocabulary.main.file.bytes(adding: vocabulary.added)
                files["added_tokens.json"] = nil
                dropped.insert("added_tokens.json")
                if let config = try CompanionText.json(Self.configName, of: owner.checkpoint)?.object {
                    files[Self.configName] = Self.text(Self.config(config, adding: vocabulary.added))
                }
            }
        }
        if let text = try Self.template(template, models) {
            let before: JSONValue?
            if let bytes = files[Self.configName] {
                before = try JSONValue.parse(bytes)
            } else {
                before = try CompanionText.json(Self.configName, of: owner.checkpoint)
            }
            var object = before?.object ?? JSONObject()
            object["chat_template"] = .string(text)
            files[Self.configName] = Self.text(object)
            for name in [Self.templateName, "chat_template.json"] {
                files[name] = nil
                dropped.insert(name)
            }
        }
        written = files.sorted { $0.key.precedesInBytes($1.key) }.map { .init(name: $0.key, bytes: $0.value) }
    }

    private static func text(_ object: JSONObject) -> [UInt8] {
        JSONWriter.bytes(of: .object(object), .python(indent: 2, sortKeys: false)) + [UInt8(ascii: "\n")]
    }

    /// The config with what it says of added tokens, where it says something of them.
    private static func config(_ config: JSONObject, adding entries: [JSONObject]) -> JSONObject {
        guard var decoder = config["added_tokens_decoder"]?.object else { return config }
        for entry in entries {
            guard let id = entry["id"]?.int else { continue }
            var flags = JSONObject()
            for key in ["content", "lstrip", "normalized", "rstrip", "single_word", "special"] {
                flags[key] = entry[key]
            }
            decoder["\(id)"] = .object(flags)
        }
        var config = config
        config["added_tokens_decoder"] = .object(decoder)
        return config
    }

    // MARK: The chat template

    private static func template(
        _ request: ChatTemplateRequest?, _ models: [MergeModel]
    ) throws(Failure) -> String? {
        switch request {
        case nil: return nil
        case .text(let text): return text
        case .commonest:
            var templates: [String] = []
            for model in models { if let text = try template(of: model) { templates.append(text) } }
            var best: (text: String, count: Int)?
            for text in templates {
                let count = templates.count { $0 == text }
                if count > best?.count ?? 0 { best = (text, count) }
            }
            return best?.text
        }
    }

    private static func template(of model: MergeModel) throws(Failure) -> String? {
        if let bytes = try CompanionText.bytes(templateName, of: model.checkpoint) {
            return String(decoding: bytes, as: UTF8.self)
        }
        return try CompanionText.json(configName, of: model.checkpoint)?["chat_template"]?.string
    }
}
