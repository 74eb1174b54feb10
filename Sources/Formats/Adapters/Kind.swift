/// How the numbers of an entry lie: which tensors it has and what shapes they must have. What they *mean* is the
/// method's business. Raw values are those of the container (`Spec/format.md`).
///
/// A kind this version does not know is carried along: it can be inspected, verified and unpacked, but not applied.
package struct Kind: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let lora = Kind(rawValue: 1)
    package static let adalora = Kind(rawValue: 2)
    package static let vera = Kind(rawValue: 3)
    package static let hadamard = Kind(rawValue: 4)
    package static let kronecker = Kind(rawValue: 5)
    package static let orthogonal = Kind(rawValue: 6)
    package static let butterfly = Kind(rawValue: 7)
    package static let householder = Kind(rawValue: 8)
    package static let spectrum = Kind(rawValue: 9)
    package static let rows = Kind(rawValue: 10)
    package static let randomBasis = Kind(rawValue: 11)
    package static let vectorBank = Kind(rawValue: 12)
    package static let shards = Kind(rawValue: 13)
    package static let ia3 = Kind(rawValue: 14)
    package static let prefix = Kind(rawValue: 15)
    package static let prompt = Kind(rawValue: 16)
    package static let gatedPrompt = Kind(rawValue: 17)
    package static let bottleneck = Kind(rawValue: 18)
    package static let bias = Kind(rawValue: 32)
    package static let dense = Kind(rawValue: 33)
    package static let sparse = Kind(rawValue: 34)
    package static let mask = Kind(rawValue: 35)
    package static let signs = Kind(rawValue: 36)
    package static let exact = Kind(rawValue: 37)
    package static let full = Kind(rawValue: 38)
    package static let removed = Kind(rawValue: 39)
    package static let alias = Kind(rawValue: 40)
    package static let extend = Kind(rawValue: 41)
    package static let correction = Kind(rawValue: 42)
    package static let file = Kind(rawValue: 64)
    package static let opaque = Kind(rawValue: 65)
    package static let shared = Kind(rawValue: 66)

    private static let words: [Kind: String] = [
        .lora: "lora", .adalora: "adalora", .vera: "vera", .hadamard: "hadamard", .kronecker: "kronecker",
        .orthogonal: "orthogonal", .butterfly: "butterfly", .householder: "householder", .spectrum: "spectrum",
        .rows: "rows", .randomBasis: "random-basis", .vectorBank: "vector-bank", .shards: "shards", .ia3: "ia3",
        .prefix: "prefix", .prompt: "prompt", .gatedPrompt: "gated-prompt", .bottleneck: "bottleneck", .bias: "bias",
        .dense: "dense", .sparse: "sparse", .mask: "mask", .signs: "signs", .exact: "exact", .full: "full",
        .removed: "removed", .alias: "alias", .extend: "extend", .correction: "correction", .file: "file",
        .opaque: "opaque", .shared: "shared",
    ]

    package static let all: [Kind] = words.keys.sorted { $0.rawValue < $1.rawValue }

    package var isKnown: Bool { Self.words[self] != nil }
    package var word: String { Self.words[self] ?? "unknown-\(rawValue)" }

    /// Whether an entry of this kind concerns the model as a whole and may have the empty target.
    package var mayHaveEmptyTarget: Bool {
        self == .shared || self == .prefix || self == .prompt || self == .opaque || !isKnown
    }
}
