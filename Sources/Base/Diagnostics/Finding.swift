/// Something the user ought to know that is no failure: a warning, said once.
package struct Finding: Hashable, Sendable {
    /// A stable word, as for failures.
    package let code: String
    package let message: String
    /// The file, tensor or key it is about.
    package let object: String?

    package init(_ code: String, _ message: String, object: String? = nil) {
        self.code = code
        self.message = message
        self.object = object
    }
}

extension Finding: CustomStringConvertible {
    package var description: String {
        (object.map { "\(message) (\($0))" } ?? message).escapedForTerminal
    }
}
