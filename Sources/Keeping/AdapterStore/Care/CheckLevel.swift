/// How deep a check of the store looks: each looks at all that those before it do.
package enum CheckLevel: Int, Sendable, CaseIterable, Comparable {
    /// The catalog, the reflog, and that each object has a file of its size.
    case catalog = 0
    /// Header, index and trailer of every object, and that the catalog says the same.
    case structure = 1
    /// The checksum of every stored byte, and that it decodes.
    case quick = 2
    /// The SHA-256 of every tensor.
    case full = 3
    /// That what a delta is made on is in the store too.
    case bases = 4

    package var word: String {
        switch self {
        case .catalog: "catalog"
        case .structure: "structure"
        case .quick: "quick"
        case .full: "full"
        case .bases: "bases"
        }
    }

    /// Reads a word or its number.
    package init?(_ text: String) {
        guard let level = Self.allCases.first(where: { $0.word == text || "\($0.rawValue)" == text }) else {
            return nil
        }
        self = level
    }

    package static func < (a: CheckLevel, b: CheckLevel) -> Bool { a.rawValue < b.rawValue }
}
