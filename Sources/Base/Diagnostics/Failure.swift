/// Why something could not be done: what happened, where, and what to do about it.
///
/// One type from the system calls to the command line. `code` is a stable word that scripts may rely on; everything
/// else is for the reader.
package struct Failure: Error, Sendable {
    package var code: Code
    /// What happened, without the place: "the index is damaged".
    package var what: String
    /// The file, tensor or key it happened to, as it was named in the input; escaped only when printed.
    package var object: String?
    /// Byte offset in the file at fault.
    package var offset: UInt64?
    package var path: String?
    package var expected: String?
    package var actual: String?
    /// What the reader can do, one line each.
    package var hints: [String]
    /// The message of what lay beneath, such as the system's own words for an errno.
    package var cause: String?

    package init(
        _ code: Code, _ what: String, object: String? = nil, offset: UInt64? = nil, path: String? = nil,
        expected: String? = nil, actual: String? = nil, hint: String? = nil, cause: String? = nil
    ) {
        self.code = code
        self.what = what
        self.object = object
        self.offset = offset
        self.path = path
        self.expected = expected
        self.actual = actual
        self.hints = hint.map { [$0] } ?? []
        self.cause = cause
    }

    /// The same failure with its file named, unless a deeper layer has named one.
    package func at(path: String) -> Failure {
        var failure = self
        failure.path = failure.path ?? path
        return failure
    }

    /// The same failure with its object named, unless a deeper layer has named one.
    package func on(_ object: String) -> Failure {
        var failure = self
        failure.object = failure.object ?? object
        return failure
    }

    /// The same failure with one more hint.
    package func hint(_ text: String) -> Failure {
        var failure = self
        failure.hints.append(text)
        return failure
    }
}

extension Failure: CustomStringConvertible {
    /// `WHAT (WHERE)`, on one line, safe to print on a terminal.
    package var description: String {
        var text = what
        if let expected, let actual {
            text += ": expected \(expected), found \(actual)"
        } else if let expected {
            text += ": expected \(expected)"
        } else if let actual {
            text += ": found \(actual)"
        }
        if let cause { text += ": \(cause)" }
        var place: [String] = []
        if let path { place.append(path) }
        if let object { place.append(object) }
        if let offset { place.append("offset \(offset)") }
        if !place.isEmpty { text += " (\(place.joined(separator: ", ")))" }
        return text.escapedForTerminal
    }
}
