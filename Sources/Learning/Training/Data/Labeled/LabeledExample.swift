/// One text, or two, or ids and the parts of the row that they belong to, and what it is labeled with.
package struct LabeledExample: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case ids([Int32], types: [Int32] = [])
        /// A text, and the second one of a pair.
        case text(String, second: String?)
    }

    package let content: Content
    /// As it is written: a class, or a number.
    package let label: String
    /// Its line in the file, from 1; of several the first.
    package let line: Int

    package init(_ content: Content, label: String, line: Int) {
        self.content = content
        self.label = label
        self.line = line
    }
}
