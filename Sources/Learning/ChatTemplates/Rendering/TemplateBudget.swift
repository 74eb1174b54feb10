import Diagnostics

/// How much one rendering may do and make, so that no template and no conversation takes time or memory without end.
struct TemplateBudget {
    static let stepLimit = 2_000_000
    static let byteLimit = 128 << 20

    private var steps = 0
    private var bytes = 0

    /// Throws ``Failure/Code/templateRefused`` where that was too much.
    mutating func spend(steps count: Int = 1) throws(Failure) {
        steps += count
        guard steps <= Self.stepLimit else { throw Self.exceeded("\(Self.stepLimit) steps") }
    }

    mutating func spend(bytes count: Int) throws(Failure) {
        guard count <= Self.byteLimit - bytes else { throw Self.exceeded("\(Self.byteLimit) bytes") }
        bytes += count
    }

    /// How many places of a text may be looked for; each of those found is to be spent as bytes.
    var placesLeft: Int { (Self.byteLimit - bytes) / Self.bytesPerPlace + 1 }

    static let bytesPerPlace = 16

    mutating func spend(places count: Int) throws(Failure) { try spend(bytes: count * Self.bytesPerPlace) }

    private static func exceeded(_ limit: String) -> Failure {
        Failure(.templateRefused, "the template takes too much for this conversation", expected: "at most \(limit)")
    }
}
