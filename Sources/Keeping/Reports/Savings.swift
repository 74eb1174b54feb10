/// Why the bytes stored are fewer than the bytes of full copies: `Spec/report.md` defines each cause.
package struct Savings: Hashable, Sendable {
    /// One copy for all names, and for all that share a file.
    package var dedupe = 0
    /// What changed in place of all weights, and the coding of changes.
    package var delta = 0
    /// Few parameters in place of a full copy.
    package var lowRank = 0
    /// Numbers and files stored in fewer bytes, lossless.
    package var compression = 0
    /// Codes and scales in place of floats.
    package var quantization = 0
    /// Headers, indexes and padding of containers: zero or less.
    package var framing = 0

    package init() {}

    package enum Cause: String, Sendable, CaseIterable {
        case dedupe, delta, lowRank, compression, quantization, framing

        package var title: String { self == .lowRank ? "low rank" : rawValue }
    }

    package subscript(cause: Cause) -> Int {
        get { self[keyPath: Self.field(cause)] }
        set { self[keyPath: Self.field(cause)] = newValue }
    }

    private static func field(_ cause: Cause) -> WritableKeyPath<Savings, Int> {
        switch cause {
        case .dedupe: \.dedupe
        case .delta: \.delta
        case .lowRank: \.lowRank
        case .compression: \.compression
        case .quantization: \.quantization
        case .framing: \.framing
        }
    }

    package var total: Int { Cause.allCases.reduce(0) { $0 + self[$1] } }

    package static func + (a: Savings, b: Savings) -> Savings {
        var sum = a
        for cause in Cause.allCases { sum[cause] += b[cause] }
        return sum
    }
}
