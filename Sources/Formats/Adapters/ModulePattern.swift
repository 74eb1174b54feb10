package import Diagnostics

/// A key of `rank_pattern` or `alpha_pattern`: a regular expression for the end of a module's path, at the start of one of
/// its components. Python's `re.match(rf"(.*\.)?({key})$", path)`.
package struct ModulePattern {
    private enum Form {
        /// Letters, digits and dots in ASCII, as nearly all keys are. A dot stands for any character.
        case plain([UInt8])
        case expression(RegularExpression)
    }

    private let form: Form

    /// The longest key that is tried.
    package static let maximumLength = 1024

    /// Throws ``Failure/Code/configInvalid`` for what is no regular expression, or one of a sort that no path needs.
    package init(_ key: String) throws(Failure) {
        guard key.utf8.count <= Self.maximumLength else {
            throw Failure(
                .configInvalid, "a pattern for modules is too long", expected: "at most \(Self.maximumLength) bytes",
                actual: "\(key.utf8.count)")
        }
        if !key.isEmpty, key.utf8.allSatisfy(Self.isPlain) {
            form = .plain(Array(key.utf8))
            return
        }
        do throws(Failure) {
            form = .expression(try RegularExpression(#"(.*\.)?("# + key + ")$"))
        } catch {
            throw error.on(key)
        }
    }

    /// Time is at most proportional to the lengths of key and path together multiplied, whatever the key is.
    package func matches(_ path: String) -> Bool {
        switch form {
        case .expression(let expression): expression.matchesPrefix(of: path)
        case .plain(let key): Self.matches(key, Array(path.utf8)) ?? Self.matchesAnywhere(key, path)
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// Whether the path ends in the key; nil where it takes more than bytes to tell.
    private static func matches(_ key: [UInt8], _ path: [UInt8]) -> Bool? {
        guard path.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return nil }
        let start = path.count - key.count
        guard start >= 0, start == 0 || path[start - 1] == UInt8(ascii: ".") else { return false }
        return zip(key, path[start...]).allSatisfy { $0 == $1 || $0 == UInt8(ascii: ".") }
    }

    private static func matchesAnywhere(_ key: [UInt8], _ path: String) -> Bool {
        let text = String(decoding: key, as: UTF8.self)
        return (try? RegularExpression(#"(.*\.)?("# + text + ")$"))?.matchesPrefix(of: path) ?? false
    }
}

extension ParameterValue {
    /// The value that a pattern map has for a module: of the first key that matches; nil where none does.
    package func value(forModule path: String) throws(Failure) -> ParameterValue? {
        for member in map ?? [] where try ModulePattern(member.key).matches(path) { return member.value }
        return nil
    }
}
