import Architectures
import Diagnostics
import JSON
import Layers
import Tokenization

/// Makes rows of lines, in whatever form each is.
struct RowReader {
    let options: DataOptions
    let path: String

    struct Outcome {
        let row: Row
        /// Whether tokens were left out because the row was too long.
        let isTruncated: Bool
        /// Whether it was made of text without a token that ends it, as the tokenizer names none.
        let hasNoEnd: Bool
        /// Whether nothing of it is learned, as what is left of it is the prompt.
        let isPromptOnly: Bool
    }

    /// Throws ``Failure/Code/badDataLine`` with the line's number for one that cannot be used.
    func row(_ line: LineReader.Line) throws(Failure) -> Outcome {
        do throws(Failure) {
            let fields = try DataLine(line, path: path, options: options)
            var content = try content(of: fields)
            guard !content.inputs.isEmpty else { throw Failure(.badDataLine, "the line has no tokens") }
            guard content.inputs.count == content.labels.count else {
                throw Failure(
                    .badDataLine, "the line has another number of labels than of ids",
                    expected: "\(content.inputs.count)", actual: "\(content.labels.count)")
            }
            guard content.types.isEmpty || content.types.count == content.inputs.count else {
                throw Failure(
                    .badDataLine, "the line has another number of `token_type_ids` than of ids",
                    expected: "\(content.inputs.count)", actual: "\(content.types.count)")
            }
            let isTruncated = content.inputs.count > options.maximumLength
            content.keep(options.maximumLength)
            let row = Row(
                inputs: content.inputs, labels: content.labels, question: content.question, types: content.types,
                line: line.number)
            return Outcome(
                row: row, isTruncated: isTruncated, hasNoEnd: content.hasNoEnd,
                isPromptOnly: options.form.masksPrompt && row.labeledTokenCount == 0)
        } catch {
            throw located(error, line.number)
        }
    }

    private struct Content {
        var inputs: [Int32]
        var labels: [Int32]
        var question = Row.Question.next
        var types: [Int32] = []
        var hasNoEnd = false

        mutating func keep(_ count: Int) {
            guard inputs.count > count else { return }
            inputs.removeSubrange(count...)
            labels.removeSubrange(count...)
            if !types.isEmpty { types.removeSubrange(count...) }
        }
    }

    private func content(of fields: DataLine) throws(Failure) -> Content {
        guard options.task == .causal else { return try answered(fields) }
        if let ids = fields.inputs {
            guard !fields.hasOtherLabels else {
                throw Failure(.badDataLine, "`labels` is of the wrong kind", expected: "array")
            }
            if fields.labels == nil { try checkUnmasked("ids without labels") }
            return Content(inputs: ids, labels: fields.labels ?? ids)
        }
        guard let example = try Example(fields, options) else {
            throw nothing(
                in: fields,
                "`input_ids`, `text`, `messages`, `prompt` and `completion`, or `instruction` and `output`")
        }
        let inputs = try tokens(of: example.text, isWhole: example.isChat)
        var labels = inputs
        if options.form.masksPrompt {
            if let prompt = example.prompt {
                let start = try tokens(of: prompt, isWhole: true, addsSpecial: !example.isChat)
                let count = zip(inputs, start).prefix { $0 == $1 }.count
                for index in 0..<count { labels[index] = Batch.ignored }
            } else {
                try checkUnmasked("text alone")
            }
        }
        return Content(
            inputs: inputs, labels: labels, hasNoEnd: !example.isChat && options.tokenizer?.eos == nil)
    }

    private func checkUnmasked(_ form: String) throws(Failure) {
        guard options.form.masksPrompt else { return }
        throw Failure(
            .badDataLine, "the line has no prompt to leave out",
            expected: "a prompt and a completion, or a conversation", actual: form)
    }

    /// Where something else than the next token is asked.
    private func answered(_ fields: DataLine) throws(Failure) -> Content {
        let inputs: [Int32]
        if let ids = fields.inputs {
            inputs = ids
        } else if let text = fields.text {
            inputs = try tokens(of: text, isWhole: true, addsSpecial: true)
        } else {
            throw nothing(in: fields, "`input_ids` or `text`")
        }
        let (labels, question) = try question(fields, inputs)
        return Content(inputs: inputs, labels: labels, question: question, types: fields.types ?? [])
    }

    private func nothing(in fields: DataLine, _ expected: String) -> Failure {
        Failure(
            .badDataLine, "the line has nothing to learn from", expected: expected,
            actual: fields.others.isEmpty ? "no keys" : fields.others.prefix(8).joined(separator: ", "))
    }

    /// What is asked of a line's tokens, as the task wants it.
    private func question(
        _ fields: DataLine, _ inputs: [Int32]
    ) throws(Failure) -> (labels: [Int32], question: Row.Question) {
        if !options.task.isOfRows {
            guard let labels = fields.labels else {
                throw Failure(
                    .badDataLine, "the line does not say what is asked at its tokens",
                    expected: "`labels`, one for each id, \(Batch.ignored) where nothing is")
            }
            return (labels, .own)
        }
        guard let label = fields.label else {
            throw Failure(.badDataLine, "the line has no label", expected: "`label`, a number")
        }
        let ignored = [Int32](repeating: Batch.ignored, count: inputs.count)
        if options.task == .regression { return (ignored, .whole(try label.double())) }
        guard let place = try? label.int(in: 0...options.labels - 1) else {
            throw Failure(
                .badDataLine, "`label` is a class that there is not", expected: "0 to \(options.labels - 1)",
                actual: label.text)
        }
        return (ignored, .whole(Double(place)))
    }

    /// With the token that begins a text, where the tokenizer asks for it, and the one that ends it; of a text that is whole
    /// only those that are asked for.
    private func tokens(of text: String, isWhole: Bool, addsSpecial: Bool = false) throws(Failure) -> [Int32] {
        if let failure = options.tokenizerFailure { throw failure }
        guard let tokenizer = options.tokenizer else {
            throw Failure(
                .badDataLine, "the line has text, and there is no tokenizer", expected: "`input_ids`",
                hint: "tokenizer.json or vocab.txt belongs into the base's folder")
        }
        var ids = tokenizer.encode(text, addSpecialTokens: !isWhole || addsSpecial)
        if !isWhole, let eos = tokenizer.eos, ids.last != eos { ids.append(eos) }
        if let id = ids.first(where: { $0 >= options.vocabularySize }) {
            throw Failure(
                .badDataLine, "the tokenizer gives an id that the model has not",
                expected: "0 to \(options.vocabularySize - 1)", actual: "\(id)")
        }
        return ids
    }

    /// What went wrong, as the fault of a line; what is wrong with the text of it is the cause.
    private func located(_ error: Failure, _ number: Int) -> Failure {
        if [.interrupted, .terminated, .internal, .templateUnsupported].contains(error.code) { return error }
        // No line of that kind can be read then, whatever it says.
        for failure in [options.tokenizerFailure, options.chatFailure] where failure?.code == error.code {
            return error
        }
        var failure = error
        if error.code == .templateRefused {
            failure.cause = [error.cause, error.object, error.path].compactMap(\.self).joined(separator: ", ")
        }
        failure.code = .badDataLine
        failure.object = "line \(number)"
        failure.path = path
        return failure
    }
}
