package import Diagnostics

/// A name and a tag, such as `support-bot:v3`, that stand for one object: `Spec/store.md`, "Names".
package struct StoreName: Hashable, Sendable {
    package static let usualTag = "latest"
    private static let longestName = 255
    private static let longestTag = 128

    package let name: String
    package let tag: String

    /// Reads `NAME[:TAG]`; without a tag it is `latest`. Throws ``Failure/Code/badName``.
    package init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        name = parts[0]
        tag = parts.count > 1 ? parts[1] : Self.usualTag
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        guard name.utf8.count <= Self.longestName, components.allSatisfy({ Self.isComponent($0) }), name != "sha256"
        else {
            throw Self.refusal(
                text, "a name has parts of letters, digits, and single . _ - between them, joined by slashes")
        }
        guard Self.isTag(tag) else {
            throw Self.refusal(text, "a tag has up to 128 letters, digits, . _ -, and begins with none of . -")
        }
    }

    private static func refusal(_ text: String, _ hint: String) -> Failure {
        Failure(.badName, "this is no name for an adapter", object: text, hint: hint)
    }

    /// Letters and digits, with one of `.`, `_` and `-` between two of them at most.
    private static func isComponent(_ text: Substring) -> Bool {
        var wasLetter = false
        for byte in text.utf8 {
            let isLetter = Self.isLetter(byte)
            guard isLetter || (wasLetter && ".-_".utf8.contains(byte)) else { return false }
            wasLetter = isLetter
        }
        return wasLetter
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "_") else { return false }
        return text.utf8.count <= longestTag && text.utf8.allSatisfy { isLetter($0) || ".-_".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

extension StoreName: CustomStringConvertible {
    package var description: String { "\(name):\(tag)" }
}
