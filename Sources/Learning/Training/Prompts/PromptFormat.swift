package import Architectures
package import Checkpoints
package import Diagnostics
package import JSON
import Layers
package import Tokenization

/// What a model is to go on from.
package enum Prompt: Hashable, Sendable {
    /// As it is, with the tokens that the tokenizer puts around a text.
    case text(String)
    /// A turn of a user, after an instruction of the system where there is one.
    case question(String, system: String?)
    /// Turns of a conversation, and what the model may call; null for nothing.
    case messages([JSONValue], tools: JSONValue)
    /// As it is.
    case ids([Int32])
}

/// How prompts become ids, as data of a training do.
package struct PromptFormat: Sendable {
    /// Nil where the base has none: then only ids can be gone on from.
    package let tokenizer: Tokenizer?
    private let options: DataOptions

    /// With the tokenizer beside the base, and the template that `form` names, or that of the base.
    package init(
        _ base: Checkpoint, _ architecture: NetworkArchitecture, form: DataForm
    ) throws(Failure) {
        options = try DataOptions(
            base, architecture, maximumLength: architecture.maximumLength, isStrict: true, form: form)
        tokenizer = options.tokenizer
    }

    /// Whether conversations can be written, or something that is there for it has to be told of.
    package var hasTemplate: Bool { options.chat != nil || options.chatFailure != nil }

    /// What a prompt says to the model.
    ///
    /// Throws ``Failure/Code/badDataLine`` for what is no prompt or has no tokens, ``Failure/Code/baseIncompatible`` for text
    /// where there is no tokenizer, and what tokenizer and template throw.
    package func ids(of prompt: Prompt) throws(Failure) -> [Int32] {
        let ids: [Int32]
        switch prompt {
        case .text(let text):
            let encoded = try tokenizerOrFailure().encode(text, addSpecialTokens: true)
            ids = encoded.isEmpty ? (tokenizer?.bos).map { [$0] } ?? [] : encoded
        case .question(let text, let system):
            let instruction = system.map { [Self.turn("system", $0)] } ?? []
            ids = try self.ids(of: instruction + [Self.turn("user", text)], tools: .null)
        case .messages(let messages, let tools): ids = try self.ids(of: messages, tools: tools)
        case .ids(let given): ids = given
        }
        guard !ids.isEmpty else {
            throw Failure(
                .badDataLine, "the prompt is empty, and the tokenizer names no token that begins a text",
                expected: "a prompt of at least one token")
        }
        if let id = ids.first(where: { $0 < 0 || $0 >= options.vocabularySize }) {
            throw Failure(
                .badDataLine, "the prompt has an id that the model has not",
                expected: "0 to \(options.vocabularySize - 1)", actual: "\(id)")
        }
        return ids
    }

    private static func turn(_ role: String, _ content: String) -> JSONValue {
        ["role": .string(role), "content": .string(content)]
    }

    private func ids(of messages: [JSONValue], tools: JSONValue) throws(Failure) -> [Int32] {
        let text = try options.chat(for: messages).text(of: messages, tools: tools, addsGenerationPrompt: true)
        return try tokenizerOrFailure().encode(text, addSpecialTokens: false)
    }

    private func tokenizerOrFailure() throws(Failure) -> Tokenizer {
        if let failure = options.tokenizerFailure { throw failure }
        guard let tokenizer else {
            throw Failure(
                .baseIncompatible, "the prompt is text, and the base has no tokenizer",
                expected: "tokenizer.json or vocab.txt in its folder", hint: "a batch may have `input_ids`")
        }
        return tokenizer
    }
}
