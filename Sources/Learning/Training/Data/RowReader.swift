import Architectures
import Diagnostics
import Layers
import Tokenization

/// Makes rows of what lines hold, in whatever form each is.
struct RowReader {
    let options: DataOptions
    /// The line's number.
    let line: Int

    struct Outcome {
        let row: Row
        /// Whether tokens were left out because the row was too long.
        let isTruncated: Bool
        /// Whether it was made of text without a token that ends it, as the tokenizer names none.
        let hasNoEnd: Bool
        /// Whether it is a conversation that closes with no token at which a text ends when it is generated.
        let hasNoTurnEnd: Bool
        /// Whether nothing of it is learned, as what is left of it is the prompt.
        let isPromptOnly: Bool
        /// Whether it says which class it is of, which is not asked.
        let hasIgnoredLabel: Bool
    }

    /// Throws ``Failure/Code/badDataLine`` for a line that cannot be used, and what tokenizer and template throw.
    func row(_ fields: DataLine) throws(Failure) -> Outcome {
        var content = options.task == .causal ? try continued(fields) : try answered(fields)
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
        content.keep(options.maximumLength)
        let row = Row(
            inputs: content.inputs, labels: content.labels, question: content.question, types: content.types,
            line: line)
        return Outcome(
            row: row, isTruncated: content.isTruncated, hasNoEnd: content.hasNoEnd, hasNoTurnEnd: content.hasNoTurnEnd,
            isPromptOnly: options.form.masksPrompt && row.labeledTokenCount == 0,
            hasIgnoredLabel: fields.others.contains("`label`"))
    }

    private struct Content {
        var inputs: [Int32]
        var labels: [Int32]
        var question = Row.Question.next
        var types: [Int32] = []
        var hasNoEnd = false
        var hasNoTurnEnd = false
        var isTruncated = false

        mutating func keep(_ count: Int) {
            guard inputs.count > count else { return }
            isTruncated = true
            inputs.removeSubrange(count...)
            labels.removeSubrange(count...)
            if !types.isEmpty { types.removeSubrange(count...) }
        }
    }

    // MARK: Where the next token is asked

    private func continued(_ fields: DataLine) throws(Failure) -> Content {
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
            inputs: inputs, labels: labels, hasNoEnd: !example.isChat && options.tokenizer?.eos == nil,
            hasNoTurnEnd: example.isChat && !closes(inputs))
    }

    /// Whether a conversation's last turn closes with a token that ends texts; line ends may follow it.
    private func closes(_ inputs: [Int32]) -> Bool {
        guard let ends = options.ends else { return true }
        return inputs.suffix(3).contains { ends.contains($0) }
    }

    private func checkUnmasked(_ form: String) throws(Failure) {
        guard options.form.masksPrompt else { return }
        throw Failure(
            .badDataLine, "the line has no prompt to leave out",
            expected: "a prompt and a completion, or a conversation", actual: form)
    }

    /// With the token that begins a text, where the tokenizer asks for it, and the one that ends it; of a text that is whole
    /// only those that are asked for.
    private func tokens(of text: String, isWhole: Bool, addsSpecial: Bool = false) throws(Failure) -> [Int32] {
        let tokenizer = try options.textTokenizer
        var ids = tokenizer.encode(text, addSpecialTokens: !isWhole || addsSpecial)
        if !isWhole, let eos = tokenizer.eos, ids.last != eos { ids.append(eos) }
        try options.check(ids)
        return ids
    }

    // MARK: Where something is asked at tokens

    private func answered(_ fields: DataLine) throws(Failure) -> Content {
        if let ids = fields.inputs, let labels = fields.labels {
            return Content(inputs: ids, labels: labels, question: .own, types: fields.types ?? [])
        }
        guard options.task == .masked, fields.labels == nil else {
            guard fields.inputs != nil else { throw nothing(in: fields, "`input_ids` and `labels`") }
            throw unasked
        }
        if let ids = fields.inputs { return try masked(ids, fields.types ?? [], false) }
        guard let text = fields.text else { throw nothing(in: fields, "`text` or `input_ids`") }
        let (ids, types, isTruncated) = try options.encoding(of: text)
        return try masked(ids, types, isTruncated)
    }

    /// With some of its tokens hidden, which are asked for.
    private func masked(_ ids: [Int32], _ types: [Int32], _ isTruncated: Bool) throws(Failure) -> Content {
        guard let masking = options.masking else { throw unasked }
        var content = Content(inputs: ids, labels: ids, question: .own, types: types, isTruncated: isTruncated)
        content.keep(options.maximumLength)
        (content.inputs, content.labels) = masking.masked(content.inputs, row: line)
        return content
    }

    private var unasked: Failure {
        Failure(
            .badDataLine, "the line does not say what is asked at its tokens",
            expected: "`labels`, one for each id, \(Batch.ignored) where nothing is",
            hint: options.task == .masked
                ? "a tokenizer with a mask beside the base lets tokens be hidden at random" : nil)
    }

    private func nothing(in fields: DataLine, _ expected: String) -> Failure {
        Failure(
            .badDataLine, "the line has nothing to learn from", expected: expected,
            actual: fields.others.isEmpty ? "no keys" : fields.others.prefix(8).joined(separator: ", "),
            hint: fields.others.contains("`label`") ? "--task classification learns labels" : nil)
    }
}
