import Adapters
import Diagnostics

/// Which adapters can be merged with each other.
enum AdapterFamily: Hashable, Sendable {
    /// Sums of products of thin matrices.
    case lowRank
    /// Vectors that scale what modules give or take.
    case gates
    /// Virtual tokens of one method.
    case tokens(method: String)

    /// Throws ``Failure/Code/notMergeable`` for adapters of different families, and for those of none.
    static func of(_ adapters: [WeightedAdapter]) throws(Failure) -> AdapterFamily {
        guard let first = adapters.first else { throw Failure(.usage, "there is no adapter to merge") }
        let family = try of(first)
        for other in adapters.dropFirst() where try of(other) != family {
            throw Failure(
                .notMergeable, "adapters of these methods do not add up to one", path: other.path,
                expected: "\(name(first)), as \(first.path)", actual: name(other),
                hint: "apply them to the base one after the other: `tenon apply A B --base …`")
        }
        return family
    }

    private static func of(_ one: WeightedAdapter) throws(Failure) -> AdapterFamily {
        guard let method = Method.named(one.adapter.method) else {
            throw Failure(
                .notMergeable, "the method \(one.adapter.method) is not understood", path: one.path)
        }
        if method.mergeability == .lowRank { return .lowRank }
        switch method.kinds.first {
        case .ia3?: return .gates
        case .prefix?, .prompt?: return .tokens(method: method.word)
        default:
            throw Failure(
                .notMergeable, "\(method.name) is no sum of changes of low rank", path: one.path,
                hint: "apply it to the base, and merge checkpoints")
        }
    }

    private static func name(_ one: WeightedAdapter) -> String {
        Method.named(one.adapter.method)?.name ?? one.adapter.method
    }
}
