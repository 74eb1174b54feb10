package import JSON

/// What is to be generated.
package struct GenerationRequest: Sendable {
    /// At least one id.
    package var prompt: [Int32]
    package var maximumTokens: Int
    package var sampling: Sampling
    /// Texts that end it; they are left out.
    package var stops: [String]

    package init(prompt: [Int32], maximumTokens: Int = 256, sampling: Sampling = Sampling(), stops: [String] = []) {
        precondition(!prompt.isEmpty && maximumTokens > 0)
        self.prompt = prompt
        self.maximumTokens = maximumTokens
        self.sampling = sampling
        self.stops = stops
    }
}

/// What was generated.
package struct GeneratedText: Hashable, Sendable {
    /// Why it ended.
    package enum Finish: String, Sendable {
        /// The model ended the text.
        case end
        /// A text to stop at came.
        case stop
        /// It has as many tokens as it may have.
        case length
    }

    /// What the ids add to the text of the prompt; nil without a tokenizer.
    package let text: String?
    /// All ids that were chosen, with the one that ended it.
    package let ids: [Int32]
    package let promptTokens: Int
    package let finish: Finish

    package var members: [(key: String, value: JSONValue)] {
        [
            ("text", text.map(JSONValue.string) ?? .null), ("ids", .array(ids.map { JSONValue($0) })),
            ("promptTokens", JSONValue(promptTokens)), ("tokens", JSONValue(ids.count)),
            ("finish", .string(finish.rawValue)),
        ]
    }
}
