import Diagnostics
import JSON

/// Makes examples of lines of JSON: `input_ids`, a text or a pair of texts, and a label.
struct LineExamples {
    let options: LabeledSet.Options
    let path: String

    func example(_ line: LineReader.Line) throws(Failure) -> LabeledExample {
        guard !line.isTooLong else {
            throw Failure(.badDataLine, "the line is too long", expected: "at most \(options.lineByteLimit) bytes")
        }
        let document = try JSONValue.parse(line.bytes, path: path, limit: options.lineByteLimit)
        guard let members = document.object else {
            throw Failure(.badDataLine, "the line is no object", actual: "\(document.kind)")
        }
        let names = members.members.filter { !$0.value.isNull }.map(\.key)
        if options.textColumns.isEmpty, let ids = members["input_ids"], !ids.isNull {
            let columns = try LabeledColumns(in: ["text"] + names, texts: ["text"], label: options.labelColumn)
            let types = options.typeCount > 1 ? members["token_type_ids"] : nil
            return LabeledExample(
                .ids(
                    try self.ids(ids, "input_ids", below: options.vocabularySize),
                    types: try types.map { value throws(Failure) in
                        try self.ids(value, "token_type_ids", below: options.typeCount)
                    } ?? []),
                label: try label(members[columns.label]), line: line.number)
        }
        let columns = try LabeledColumns(in: names, texts: options.textColumns, label: options.labelColumn)
        var texts: [String] = []
        for name in columns.texts {
            guard let text = members[name]?.string else {
                throw Failure(.badDataLine, "`\(name)` is of the wrong kind", expected: "string")
            }
            texts.append(text)
        }
        return LabeledExample(
            .text(texts[0], second: texts.count > 1 ? texts[1] : nil), label: try label(members[columns.label]),
            line: line.number)
    }

    private func label(_ value: JSONValue?) throws(Failure) -> String {
        switch value {
        case .string(let text)? where !text.isEmpty: text
        case .number(let number)?: number.text
        case .bool(let isTrue)?: isTrue ? "1" : "0"
        default: throw Failure(.badDataLine, "the label is of the wrong kind", expected: "a text or a number")
        }
    }

    private func ids(_ value: JSONValue, _ key: String, below limit: Int) throws(Failure) -> [Int32] {
        guard let elements = value.array, !elements.isEmpty else {
            throw Failure(.badDataLine, "`\(key)` is of the wrong kind", expected: "an array of ids")
        }
        var ids: [Int32] = []
        for element in elements {
            guard let id = element.int, (0..<min(limit, Int(Int32.max))).contains(id) else {
                throw Failure(
                    .badDataLine, "`\(key)` has an id that the model has not", expected: "0 to \(limit - 1)",
                    actual: element.number?.text ?? "\(element.kind)")
            }
            ids.append(Int32(id))
        }
        return ids
    }
}
