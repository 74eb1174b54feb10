import Diagnostics
import Layers

/// Makes rows of labeled examples.
struct LabeledRows {
    let options: DataOptions

    struct Outcome {
        let row: Row
        /// Whether tokens were left out because the row was too long.
        let isTruncated: Bool
    }

    /// - Parameter answer: The number of the example's class, or its value.
    func row(_ example: LabeledExample, answer: Double) throws(Failure) -> Outcome {
        var ids: [Int32]
        var types: [Int32]
        var isTruncated: Bool
        switch example.content {
        case .text(let text, let second):
            (ids, types, isTruncated) = try options.encoding(of: text, and: second)
        case .ids(let given, let parts):
            guard parts.isEmpty || parts.count == given.count else {
                throw Failure(
                    .badDataLine, "the line has another number of `token_type_ids` than of ids",
                    expected: "\(given.count)", actual: "\(parts.count)")
            }
            isTruncated = given.count > options.maximumLength
            ids = Array(given.prefix(options.maximumLength))
            types = Array(parts.prefix(options.maximumLength))
        }
        guard !ids.isEmpty else { throw Failure(.badDataLine, "the line has no tokens") }
        let row = Row(
            inputs: ids, labels: [Int32](repeating: Batch.ignored, count: ids.count), question: .whole(answer),
            types: types, line: example.line)
        return Outcome(row: row, isTruncated: isTruncated)
    }
}
