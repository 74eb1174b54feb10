package import Digests
package import JSON

/// Something that a check of a store came upon.
package struct CheckFinding: Sendable {
    /// A stable word: `Spec/store.md`, "What a check finds".
    package let code: String
    /// Whether something is lost or wrong; else it is only told.
    package let isDamage: Bool
    package let object: Digest?
    /// The names of the object, as text.
    package let names: [String]
    package let detail: String

    init(_ code: String, isDamage: Bool = true, object: Digest? = nil, names: [StoreName] = [], _ detail: String) {
        self.code = code
        self.isDamage = isDamage
        self.object = object
        self.names = names.map(\.description)
        self.detail = detail
    }

    package var document: JSONValue {
        [
            "code": .string(code), "isDamage": .bool(isDamage), "object": object.map { .string("\($0)") } ?? nil,
            "names": .array(names.map { .string($0) }), "detail": .string(detail),
        ]
    }

    /// One line for people.
    package var text: String {
        let called = names.isEmpty ? "" : " (\(names.joined(separator: ", ")))"
        return code + (object.map { " sha256:\($0)" } ?? "") + called + ": " + detail
    }
}

/// What a check of a store, or of some of its objects, found.
package struct CheckReport: Sendable {
    package var findings: [CheckFinding] = []
    /// How many objects were looked at, and the bytes of their files.
    package var objectCount = 0
    package var byteCount = 0

    package init() {}

    package var isSound: Bool { !findings.contains(where: \.isDamage) }

    static let hintForMissing =
        "add it again to heal it, or give up its names with `tenon store repair --drop-names`"

    /// What to do about the damage: what a repair cannot mend needs somebody else.
    package var hint: String {
        let codes = Set(findings.filter(\.isDamage).map(\.code))
        if !codes.subtracting(["object-missing", "base-missing", "names-lost"]).isEmpty { return "tenon store repair" }
        if codes.contains("object-missing") { return Self.hintForMissing }
        return codes.contains("names-lost")
            ? "name what is to be kept: tenon store tag sha256:DIGEST NAME" : "add the missing base again"
    }
}
