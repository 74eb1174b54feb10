import Diagnostics
import JSON

/// The text of a line, and how much of it is the prompt.
struct Example {
    let text: String
    /// What stands before that which the model is to say; nil where nothing sets it apart.
    let prompt: String?
    /// Whether the text is whole: a template has put all special tokens into it.
    let isChat: Bool

    /// The text of `messages`, of `prompt` and `completion`, of `instruction` and `output`, or `text`: the first that the
    /// line has. Nil where it has none.
    ///
    /// Throws ``Failure/Code/badDataLine`` where a conversation is none, and what the chat template throws.
    init?(_ line: DataLine, _ options: DataOptions) throws(Failure) {
        let format = options.chat.flatMap { $0.writesPrompts ? $0 : nil }
        if let messages = line.messages {
            try self.init(messages, line.tools, options)
        } else if let prompt = line.prompt, let completion = line.completion {
            switch (prompt, completion, format) {
            case (.text(let prompt), .text(let completion), nil):
                self.init(text: prompt + completion, prompt: prompt)
            default:
                try self.init(prompt.turns(of: "user"), completion.turns(of: "assistant"), line.tools, options)
            }
        } else if let instruction = line.instruction, let output = line.output {
            let input = line.input.flatMap { $0.isEmpty ? nil : $0 }
            if format != nil {
                let question = instruction + (input.map { "\n\n" + $0 } ?? "")
                try self.init(
                    DataLine.Part.text(question).turns(of: "user"), DataLine.Part.text(output).turns(of: "assistant"),
                    .null, options)
            } else {
                let prompt = Self.alpaca(instruction, input)
                self.init(text: prompt + output, prompt: prompt)
            }
        } else if let text = line.text {
            self.init(text: text, prompt: nil)
        } else {
            return nil
        }
    }

    private init(text: String, prompt: String?, isChat: Bool = false) {
        self.text = text
        self.prompt = prompt
        self.isChat = isChat
    }

    /// A conversation. Its last turn is what the model is to say.
    private init(_ messages: [JSONValue], _ tools: JSONValue, _ options: DataOptions) throws(Failure) {
        let isAnswered = messages.last?["role"]?.string == "assistant"
        guard isAnswered || !options.form.masksPrompt || messages.isEmpty else {
            throw Failure(
                .badDataLine, "the last message is no assistant's", expected: "a last message whose role is assistant",
                actual: messages.last?["role"]?.string ?? "none")
        }
        let prompt = isAnswered ? Array(messages.dropLast()) : messages
        try self.init(prompt, isAnswered ? Array(messages.suffix(1)) : [], tools, options)
    }

    private init(
        _ prompt: [JSONValue], _ completion: [JSONValue], _ tools: JSONValue, _ options: DataOptions
    ) throws(Failure) {
        let messages = prompt + completion
        let chat = try options.chat(for: messages)
        let opening =
            options.form.masksPrompt && !completion.isEmpty
            ? try chat.text(of: prompt, tools: tools, addsGenerationPrompt: true) : nil
        self.init(text: try chat.text(of: messages, tools: tools), prompt: opening, isChat: true)
    }

    /// As Taori et al. (Stanford Alpaca, 2023) put a question, with a line end before the answer.
    private static func alpaca(_ instruction: String, _ input: String?) -> String {
        let task = "Below is an instruction that describes a task"
        let rest = "Write a response that appropriately completes the request.\n\n### Instruction:\n\(instruction)\n\n"
        guard let input else { return "\(task). \(rest)### Response:\n" }
        return "\(task), paired with an input that provides further context. \(rest)"
            + "### Input:\n\(input)\n\n### Response:\n"
    }
}

extension DataLine.Part {
    fileprivate func turns(of role: String) -> [JSONValue] {
        switch self {
        case .messages(let messages): messages
        case .text(let text): [["role": .string(role), "content": .string(text)]]
        }
    }
}
