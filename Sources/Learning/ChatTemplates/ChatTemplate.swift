package import Diagnostics
package import JSON

/// How a model wants conversations written: a template in the subset of Jinja that chat templates use, with the settings
/// and functions that `transformers` gives them.
package struct ChatTemplate: Sendable {
    /// Bytes that a template may have.
    package static let byteLimit = 1 << 20

    /// What it was called, for messages.
    package let name: String
    private let statements: [TemplateStatement]

    /// Reads a template.
    ///
    /// Throws ``Failure/Code/templateInvalid`` for what is no template or is too long, and
    /// ``Failure/Code/templateUnsupported`` for what is not known here of it, by name and line.
    package init(_ source: String, name: String) throws(Failure) {
        self.name = name
        guard source.utf8.count <= Self.byteLimit else {
            throw Failure(
                .templateInvalid, "the template is too long", path: name, expected: "at most \(Self.byteLimit) bytes")
        }
        do throws(Failure) {
            statements = try TemplateParser.statements(of: source)
        } catch {
            throw error.at(path: name)
        }
    }

    /// Writes a conversation. The same arguments give the same text.
    ///
    /// Throws ``Failure/Code/templateRefused`` where the template refuses the conversation, cannot cope with it, or takes
    /// too much time or memory, and ``Failure/Code/templateUnsupported`` for what turned out only now.
    ///
    /// - Parameters:
    ///   - messages: Objects with `role` and `content`, and what else the template knows.
    ///   - tools: What the model may call; null for nothing.
    ///   - addsGenerationPrompt: Whether to go on with what begins the model's answer.
    ///   - specialTokens: Texts by name, such as `bos_token`.
    ///   - date: What `strftime_now` prints; nil where there is no such function.
    package func text(
        of messages: [JSONValue], tools: JSONValue = .null, addsGenerationPrompt: Bool,
        specialTokens: [(name: String, text: String)] = [], date: ChatDate? = nil
    ) throws(Failure) -> String {
        var interpreter = TemplateInterpreter(date: date)
        for (name, text) in specialTokens { interpreter.scope[name] = .string(text) }
        interpreter.scope["messages"] = TemplateValue(.array(messages))
        interpreter.scope["tools"] = TemplateValue(tools)
        interpreter.scope["documents"] = TemplateValue.none
        interpreter.scope["add_generation_prompt"] = .bool(addsGenerationPrompt)
        do throws(Failure) {
            try interpreter.run(statements)
        } catch {
            throw error.at(path: name)
        }
        return interpreter.output
    }
}
