import Adapters
package import DeltaFormat
import Diagnostics
package import Digests
import JSON
import Packaging

/// What the catalog keeps of an object, all of it read from the container itself.
package struct ObjectFacts: Hashable, Sendable {
    package enum Sort: Int, Sendable {
        /// A small set of parameters.
        case adapter = 0
        /// What gives back a whole checkpoint, by itself or with its base.
        case checkpoint = 1

        package var word: String {
            switch self {
            case .adapter: "adapter"
            case .checkpoint: "checkpoint"
            }
        }
    }

    /// The index digest: its key.
    package var digest: Digest
    package var content: Digest
    package var sort: Sort
    package var method: String
    /// The largest inner dimension of its low-rank entries; nil where it has none.
    package var rank: Int?
    package var parameterCount: Int
    /// The size of the file.
    package var storedBytes: Int
    /// The bytes of its tensors, decoded.
    package var logicalBytes: Int
    /// The base that it is bound to; nil where it stands by itself.
    package var baseRoot: Digest?
    /// The fingerprint of the checkpoint that it gives back.
    package var resultRoot: Digest?
    /// What the container says of itself as text, but for what is long.
    package var metadata: [String: String]
    /// The content digests of what it was made from.
    package var parents: [Digest]

    /// Longer values of metadata are documents, not what anybody searches for.
    static let longestValue = 1024

    package init(_ container: Container) {
        let summary = ContainerSummary(container)
        digest = summary.indexDigest
        content = summary.contentDigest
        method = summary.method
        rank = summary.entries.compactMap(\.rank).max()
        parameterCount = summary.parameterCount
        storedBytes = summary.storedBytes
        logicalBytes = summary.logicalBytes
        // A snapshot is the difference from a checkpoint without tensors: it needs none.
        baseRoot = summary.base.flatMap { $0.tensorCount == 0 ? nil : $0.root }
        let isDelta = summary.method == Method.delta.word && summary.parameters["stage"] == nil
        let root = isDelta ? summary.parameters["result_root"]?.string : nil
        resultRoot = root.flatMap { Digest(hexadecimal: $0) }
        sort = resultRoot == nil ? .adapter : .checkpoint
        metadata = [:]
        for (key, value) in summary.metadata where key != Lineage.key && value.utf8.count <= Self.longestValue {
            metadata[key] = value
        }
        parents = Set(summary.lineage?.parents.map(\.contentDigest) ?? []).sorted { $0.precedesInBytes($1) }
            .compactMap { Digest(hexadecimal: $0) }
    }
}
