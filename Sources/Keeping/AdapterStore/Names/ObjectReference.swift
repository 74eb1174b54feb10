package import Diagnostics

/// What a user names an object by: a name, or the beginning of its digest.
package enum ObjectReference: Sendable {
    case name(StoreName)
    /// Lower-case hexadecimal.
    case digest(prefix: String)
    /// Both could be meant; a name that is there goes first.
    case either(StoreName, prefix: String)

    static let shortestPrefix = 4

    /// Reads `NAME[:TAG]`, `sha256:HEX` or `HEX`. Throws ``Failure/Code/badName``.
    package init(_ text: String) throws(Failure) {
        if text.hasPrefix("sha256:") {
            guard let prefix = Self.prefix(String(text.dropFirst(7))) else {
                throw Failure(
                    .badName, "this is no beginning of a digest", object: text,
                    hint: "it has 4 to 64 hexadecimal digits")
            }
            self = .digest(prefix: prefix)
            return
        }
        let name = try StoreName(text)
        self = Self.prefix(text).map { .either(name, prefix: $0) } ?? .name(name)
    }

    /// `text` in lower case, if it is hexadecimal and of a length that means something.
    private static func prefix(_ text: String) -> String? {
        let isHexadecimal = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"):
                true
            default: false
            }
        }
        guard isHexadecimal, (shortestPrefix...64).contains(text.utf8.count) else { return nil }
        return text.lowercased()
    }
}
