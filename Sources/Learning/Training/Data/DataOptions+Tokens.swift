import Diagnostics
import Tokenization

extension DataOptions {
    /// What makes ids of text.
    ///
    /// Throws why there is none, or ``Failure/Code/badDataLine``.
    var textTokenizer: Tokenizer {
        get throws(Failure) {
            if let tokenizerFailure { throw tokenizerFailure }
            guard let tokenizer else {
                throw Failure(
                    .badDataLine, "the line has text, and there is no tokenizer", expected: "`input_ids`",
                    hint: "tokenizer.json or vocab.txt belongs into the base's folder")
            }
            return tokenizer
        }
    }

    /// What is no fault of a line, but of what reads all of its kind.
    var fatal: [Failure.Code] { [tokenizerFailure, chatFailure].compactMap(\.?.code) }

    /// Throws ``Failure/Code/badDataLine`` for an id beyond the model's vocabulary.
    func check(_ ids: [Int32]) throws(Failure) {
        guard let id = ids.first(where: { $0 >= vocabularySize }) else { return }
        throw Failure(
            .badDataLine, "the tokenizer gives an id that the model has not", expected: "0 to \(vocabularySize - 1)",
            actual: "\(id)")
    }

    /// A text, or a pair, with the tokens around it that the model wants. What is too long is cut before those are put
    /// around it.
    func encoding(
        of text: String, and second: String? = nil
    ) throws(Failure) -> (ids: [Int32], types: [Int32], isTruncated: Bool) {
        let encoding = try textTokenizer.encoding(of: text, and: second, maximumLength: maximumLength)
        try check(encoding.ids)
        if typeCount > 1, let type = encoding.types.first(where: { !(0..<Int32(typeCount)).contains($0) }) {
            throw Failure(
                .badDataLine, "the tokenizer gives a part of a row that the model has not",
                expected: "0 to \(typeCount - 1)", actual: "\(type)")
        }
        let hasTypes = typeCount > 1 && encoding.types.contains { $0 != 0 }
        return (encoding.ids, hasTypes ? encoding.types : [], encoding.isTruncated)
    }
}
