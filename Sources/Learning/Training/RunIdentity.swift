package import Diagnostics
package import JSON

/// What a run is made of: its inputs by their digests and its options, under the names by which the command line takes
/// them. Runs that differ in any must not be mixed.
package struct RunIdentity: Sendable {
    /// How many differences are told of.
    private static let shownCount = 4

    private let parts: JSONObject

    package init(_ parts: JSONObject) {
        self.parts = parts
    }

    /// Reads what ``document`` wrote; nil for anything else.
    init?(_ document: JSONValue?) {
        guard let parts = document?.object else { return nil }
        self.init(parts)
    }

    var document: JSONValue { .object(parts) }

    /// Throws ``Failure/Code/resumeMismatch`` naming what is another now than `earlier` had.
    ///
    /// - Parameter path: Where the state of the earlier run lies.
    package func checkSame(as earlier: RunIdentity, path: String) throws(Failure) {
        let names = earlier.parts.keys + parts.keys.filter { earlier.parts[$0] == nil }
        let others = names.filter { Self.bytes(parts[$0]) != Self.bytes(earlier.parts[$0]) }
        guard !others.isEmpty else { return }
        func list(_ parts: JSONObject) -> String {
            others.prefix(Self.shownCount).map { "\($0) \(Self.text(parts[$0]))" }.joined(separator: ", ")
                + (others.count > Self.shownCount ? ", …" : "")
        }
        throw Failure(
            .resumeMismatch, "the run that was interrupted had other inputs or options", path: path,
            expected: list(earlier.parts), actual: list(parts),
            hint: "give it what it was begun with, or begin anew with --force")
    }

    private static func bytes(_ value: JSONValue?) -> [UInt8] { JSONWriter.bytes(of: value ?? nil, .compact) }

    /// Digests and the like are cut short.
    private static func text(_ value: JSONValue?) -> String {
        guard let value, !value.isNull else { return "(none)" }
        let text = value.string ?? String(decoding: bytes(value), as: UTF8.self)
        return text.count > 40 ? text.prefix(12) + "…" : text
    }
}
