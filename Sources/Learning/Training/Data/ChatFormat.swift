package import ChatTemplates
import Checkpoints
import Diagnostics
import Files
import JSON

/// How conversations become text: a template, and the special tokens that it may name.
package struct ChatFormat: Sendable {
    package let template: ChatTemplate
    package let specialTokens: [(name: String, text: String)]
    /// Whether prompts and instructions are written by it too, as turns of a user.
    package let writesPrompts: Bool

    package init(
        _ template: ChatTemplate, specialTokens: [(name: String, text: String)] = [], writesPrompts: Bool = false
    ) {
        self.template = template
        self.specialTokens = specialTokens
        self.writesPrompts = writesPrompts
    }

    func text(
        of messages: [JSONValue], tools: JSONValue, addsGenerationPrompt: Bool = false
    ) throws(Failure) -> String {
        try template.text(
            of: messages, tools: tools, addsGenerationPrompt: addsGenerationPrompt, specialTokens: specialTokens)
    }

    // MARK: Files

    private static let configName = "tokenizer_config.json"
    private static let templateName = "chat_template.jinja"
    private static let tokenNames = [
        "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token",
    ]
    private static let configByteLimit = 64 << 20

    /// By the template that is named, or that of the base: `chat_template.jinja`, or `chat_template` in
    /// `tokenizer_config.json`, of several the one called `default`. Nil where there is none.
    init?(_ base: Checkpoint, _ form: DataForm) throws(Failure) {
        var config: JSONValue?
        if base.companions.contains(Self.configName) {
            let path = Paths.joined(base.folder, Self.configName)
            config = try JSONValue.parse(
                try Self.bytes(at: path, limit: Self.configByteLimit), path: path, limit: Self.configByteLimit)
        }
        specialTokens = Self.tokenNames.compactMap { name in
            let token = config?[name]
            return (token?.string ?? token?["content"]?.string).map { (name, $0) }
        }
        writesPrompts = form.chatTemplate != nil
        if let chosen = form.chatTemplate {
            if let builtIn = try ChatTemplate.builtIn(chosen) {
                template = builtIn
            } else {
                template = try ChatTemplate(chosen, name: "--chat-template")
            }
            return
        }
        if base.companions.contains(Self.templateName) {
            let path = Paths.joined(base.folder, Self.templateName)
            template = try ChatTemplate(try Self.text(at: path), name: path)
            return
        }
        guard let given = config?["chat_template"], !given.isNull else { return nil }
        let path = Paths.joined(base.folder, Self.configName)
        let named = given.array?.first { $0["name"]?.string == "default" }?["template"]
        guard let source = given.string ?? named?.string else {
            let names = (given.array ?? []).compactMap { $0["name"]?.string }
            throw Failure(
                .templateInvalid, "none of the base's chat templates is the one to take", path: path,
                expected: "a text, or one called `default`", actual: names.joined(separator: ", "),
                hint: "--chat-template takes a file")
        }
        template = try ChatTemplate(source, name: path)
    }

    /// Throws ``Failure/Code/templateInvalid`` for a file that is no text or too large.
    static func text(at path: String) throws(Failure) -> String {
        let bytes = try bytes(at: path, limit: ChatTemplate.byteLimit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.templateInvalid, "the template is no UTF-8", path: path)
        }
        return text
    }

    private static func bytes(at path: String, limit: Int) throws(Failure) -> [UInt8] {
        let file = try InputFile(path: path)
        guard file.size <= limit else {
            throw Failure(
                .tooLarge, "the file is too large", path: path, expected: "at most \(limit) bytes",
                actual: "\(file.size)")
        }
        return try file.read(at: 0, count: file.size)
    }
}
