package import Diagnostics

/// A key of `rank_pattern` or `alpha_pattern`: a regular expression for the end of a module's path, at the start of one of
/// its components. Python's `re.match(rf"(.*\.)?({key})$", path)`.
package struct ModulePattern {
    private let regex: Regex<AnyRegexOutput>

    /// The longest key that is tried: a pattern that backtracks for ever is easily written.
    package static let maximumLength = 1024

    /// Throws ``Failure/Code/configInvalid`` for what is no regular expression.
    package init(_ key: String) throws(Failure) {
        guard key.utf8.count <= Self.maximumLength else {
            throw Failure(
                .configInvalid, "a pattern for modules is too long", expected: "at most \(Self.maximumLength) bytes",
                actual: "\(key.utf8.count)")
        }
        do {
            regex = try Regex("(?:.*\\.)?(?:\(key))").matchingSemantics(.unicodeScalar)
        } catch {
            throw Failure(.configInvalid, "a pattern for modules is no regular expression", object: key)
        }
    }

    package func matches(_ path: String) -> Bool {
        (try? regex.wholeMatch(in: path)) != nil
    }
}

extension ParameterValue {
    /// The value that a pattern map has for a module: of the first key that matches; nil where none does.
    package func value(forModule path: String) throws(Failure) -> ParameterValue? {
        for member in map ?? [] where try ModulePattern(member.key).matches(path) { return member.value }
        return nil
    }
}
