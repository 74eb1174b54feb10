package import Architectures
package import Diagnostics
import JSON
package import Tokenization

/// How data are read.
package struct DataOptions: Sendable {
    /// Ids are below this.
    package var vocabularySize: Int
    /// How many tokens of a row are kept.
    package var maximumLength: Int
    /// What makes ids of text; without one only rows of ids can be read.
    package var tokenizer: Tokenizer?
    /// Why there is no tokenizer, where there could have been one: told of the first line of text.
    package var tokenizerFailure: Failure?
    /// What is learned of a line, and in which words.
    package var form = DataForm()
    /// What makes text of conversations; nil where nothing does.
    package var chat: ChatFormat?
    /// Why nothing does, where something could have: told of the first conversation.
    package var chatFailure: Failure?
    /// The ids at which what is generated ends; nil where nothing is known of them.
    package var ends: Set<Int32>?
    /// What rows are for.
    package var task = ModelTask.causal
    /// How many classes a token may be of.
    package var classCount = 1
    /// What hides tokens of rows that do not say what is asked of them; nil where nothing can.
    package var masking: Masking?
    /// The classes that a row may be of.
    package var classes: LabelMap?
    /// Parts of a row are below this.
    package var typeCount = 1
    /// Whether the first line that cannot be used ends it all, instead of being skipped and counted.
    package var isStrict = false
    /// Bytes of one line; longer ones cannot be used.
    package var lineByteLimit = 16 << 20

    /// Sizes are at least 1.
    package init(vocabularySize: Int, maximumLength: Int, tokenizer: Tokenizer? = nil, isStrict: Bool = false) {
        precondition(vocabularySize > 0 && maximumLength > 0)
        self.vocabularySize = vocabularySize
        self.maximumLength = maximumLength
        self.tokenizer = tokenizer
        self.isStrict = isStrict
    }

    /// What makes text of a conversation.
    ///
    /// Throws ``Failure/Code/badDataLine`` for messages that are none, and where nothing makes text of them.
    func chat(for messages: [JSONValue]) throws(Failure) -> ChatFormat {
        guard !messages.isEmpty else { throw Failure(.badDataLine, "the conversation has no messages") }
        for (index, message) in messages.enumerated() where message["role"]?.string == nil {
            throw Failure(
                .badDataLine, "message \(index + 1) has no role", expected: "an object with `role` and `content`")
        }
        if let chatFailure { throw chatFailure }
        guard let chat else {
            throw Failure(
                .badDataLine, "there is a conversation, and the base has no chat template",
                hint: "--chat-template names one, such as chatml")
        }
        return chat
    }

    /// How labeled texts are read.
    var labeled: LabeledSet.Options {
        var labeled = LabeledSet.Options(vocabularySize: vocabularySize)
        labeled.typeCount = typeCount
        labeled.textColumns = form.textColumns
        labeled.labelColumn = form.labelColumn
        labeled.isStrict = isStrict
        labeled.lineByteLimit = lineByteLimit
        return labeled
    }
}
