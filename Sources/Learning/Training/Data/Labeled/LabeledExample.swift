/// One text, or two, or ids and the parts of the row that they belong to, and what it is labeled with.
package struct LabeledExample: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case ids([Int32], types: [Int32] = [])
        /// A text, and the second one of a pair.
        case text(String, second: String?)
    }

    package let content: Content
    /// As it is written, a class or a number, but without the zeros of `1.0`.
    package let label: String
    /// Its line in the file, from 1; of several the first.
    package let line: Int

    package init(_ content: Content, label: String, line: Int) {
        self.content = content
        self.label = Self.withoutZeros(label)
        self.line = line
    }

    /// `1` of `1.0`, as tables have it where other numbers of the column are missing.
    private static func withoutZeros(_ label: String) -> String {
        let parts = label.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let whole = Int(parts[0]), "\(whole)" == parts[0], !parts[1].isEmpty,
            parts[1].allSatisfy({ $0 == "0" })
        else { return label }
        return "\(whole)"
    }
}
