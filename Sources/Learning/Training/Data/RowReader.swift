import Architectures
import Diagnostics
import JSON
import Layers
import Tokenization

/// Makes rows of lines: `input_ids` with or without `labels`, or `text`, whatever each line has.
struct RowReader {
    let options: DataOptions
    let path: String

    struct Outcome {
        let row: Row
        /// Whether tokens were left out because the row was too long.
        let isTruncated: Bool
        /// Whether it was made of text without a token that ends it, as the tokenizer names none.
        let hasNoEnd: Bool
    }

    /// Throws ``Failure/Code/badDataLine`` with the line's number for one that cannot be used.
    func row(_ line: LineReader.Line) throws(Failure) -> Outcome {
        do throws(Failure) {
            guard !line.isTooLong else {
                throw Failure(
                    .badDataLine, "the line is too long", expected: "at most \(options.lineByteLimit) bytes")
            }
            let fields = try fields(line)
            var inputs = try inputs(of: fields)
            var (labels, question) = try question(fields, inputs)
            var types = fields.types ?? []
            guard !inputs.isEmpty else { throw Failure(.badDataLine, "the line has no tokens") }
            guard inputs.count == labels.count else {
                throw Failure(
                    .badDataLine, "the line has another number of labels than of ids", expected: "\(inputs.count)",
                    actual: "\(labels.count)")
            }
            guard types.isEmpty || types.count == inputs.count else {
                throw Failure(
                    .badDataLine, "the line has another number of `token_type_ids` than of ids",
                    expected: "\(inputs.count)", actual: "\(types.count)")
            }
            let isTruncated = inputs.count > options.maximumLength
            if isTruncated {
                inputs.removeSubrange(options.maximumLength...)
                labels.removeSubrange(options.maximumLength...)
                if !types.isEmpty { types.removeSubrange(options.maximumLength...) }
            }
            return Outcome(
                row: Row(
                    inputs: inputs, labels: labels, question: question, types: types, line: line.number),
                isTruncated: isTruncated,
                hasNoEnd: options.task == .causal && fields.inputs == nil && options.tokenizer?.eos == nil)
        } catch {
            throw located(error, line.number)
        }
    }

    private struct Fields {
        var inputs: [Int32]?
        var labels: [Int32]?
        /// Whether `labels` is something else than one for each id.
        var hasOtherLabels = false
        var label: JSONNumber?
        var types: [Int32]?
        var text: String?
        var others: [String] = []
    }

    private func fields(_ line: LineReader.Line) throws(Failure) -> Fields {
        var fields = Fields()
        var scanner = try JSONScanner(
            unsafe line.bytes.span.bytes, path: path, origin: UInt64(line.offset), limit: options.lineByteLimit,
            mismatch: .badDataLine)
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let kind = try scanner.peek()
            switch key {
            case _ where kind == .null: try scanner.null()
            case "input_ids": fields.inputs = try ids(&scanner, key)
            case "labels" where kind == .array:
                fields.labels = try ids(
                    &scanner, key, below: options.task == .tokenClassification ? options.labels : nil, orIgnored: true)
            case "label" where kind == .number: fields.label = try scanner.number()
            case "token_type_ids" where options.typeCount > 1:
                fields.types = try ids(&scanner, key, below: options.typeCount)
            case "text": fields.text = try scanner.string()
            default:
                if key == "labels" { fields.hasOtherLabels = true }
                fields.others.append("`\(key)`")
                try scanner.skip()
            }
        }
        try scanner.end()
        return fields
    }

    private func inputs(of fields: Fields) throws(Failure) -> [Int32] {
        if let ids = fields.inputs { return ids }
        if let text = fields.text { return try tokens(of: text) }
        throw Failure(
            .badDataLine, "the line has nothing to learn from", expected: "`input_ids` or `text`",
            actual: fields.others.isEmpty ? "no keys" : fields.others.prefix(8).joined(separator: ", "))
    }

    /// What is asked of a line's tokens, as the task wants it.
    private func question(
        _ fields: Fields, _ inputs: [Int32]
    ) throws(Failure) -> (labels: [Int32], question: Row.Question) {
        guard !fields.hasOtherLabels || fields.inputs == nil || options.task.isOfRows else {
            throw Failure(.badDataLine, "`labels` is of the wrong kind", expected: "array")
        }
        switch options.task {
        case .causal: return (fields.inputs == nil ? inputs : fields.labels ?? inputs, .next)
        case .masked, .tokenClassification:
            guard let labels = fields.labels else {
                throw Failure(
                    .badDataLine, "the line does not say what is asked at its tokens",
                    expected: "`labels`, one for each id, \(Batch.ignored) where nothing is")
            }
            return (labels, .own)
        case .classification, .regression:
            guard let label = fields.label else {
                throw Failure(.badDataLine, "the line has no label", expected: "`label`, a number")
            }
            let ignored = [Int32](repeating: Batch.ignored, count: inputs.count)
            if options.task == .regression {
                return (ignored, .whole(try label.double()))
            }
            guard let place = try? label.int(in: 0...options.labels - 1) else {
                throw Failure(
                    .badDataLine, "`label` is a class that there is not", expected: "0 to \(options.labels - 1)",
                    actual: label.text)
            }
            return (ignored, .whole(Double(place)))
        }
    }

    /// - Parameter limit: What they are below; the vocabulary's size where nothing is said.
    private func ids(
        _ scanner: inout JSONScanner, _ key: String, below limit: Int? = nil, orIgnored: Bool = false
    ) throws(Failure) -> [Int32] {
        let allowed =
            (orIgnored ? Int(Batch.ignored) : 0)...(min(limit ?? options.vocabularySize, Int(Int32.max)) - 1)
        var ids: [Int32] = []
        try scanner.beginArray()
        while try scanner.nextElement() {
            let place = scanner.offset
            let id = try scanner.integer(in: Int.min...Int.max)
            guard allowed.contains(id), id >= 0 || id == Int(Batch.ignored) else {
                throw Failure(
                    .badDataLine, "`\(key)` has an id that the model has not", offset: place,
                    expected: "0 to \(allowed.upperBound)" + (orIgnored ? " or \(Batch.ignored)" : ""), actual: "\(id)")
            }
            ids.append(Int32(id))
        }
        return ids
    }

    /// With the token that begins a text, where the tokenizer asks for it, and the one that ends it.
    private func tokens(of text: String) throws(Failure) -> [Int32] {
        if let failure = options.tokenizerFailure { throw failure }
        guard let tokenizer = options.tokenizer else {
            throw Failure(
                .badDataLine, "the line has text, and there is no tokenizer", expected: "`input_ids`",
                hint: "tokenizer.json belongs into the base's folder")
        }
        var ids = tokenizer.encode(text, addSpecialTokens: true)
        if let eos = tokenizer.eos, ids.last != eos { ids.append(eos) }
        if let id = ids.first(where: { $0 >= options.vocabularySize }) {
            throw Failure(
                .badDataLine, "the tokenizer gives an id that the model has not",
                expected: "0 to \(options.vocabularySize - 1)", actual: "\(id)")
        }
        return ids
    }

    /// What went wrong, as the fault of a line; what is wrong with the text of it is the cause.
    private func located(_ error: Failure, _ number: Int) -> Failure {
        if [.interrupted, .terminated, .internal].contains(error.code) { return error }
        // No line can be read then, whatever it says.
        if let failure = options.tokenizerFailure, failure.code == error.code { return error }
        var failure = error
        failure.code = .badDataLine
        failure.object = "line \(number)"
        failure.path = path
        return failure
    }
}
