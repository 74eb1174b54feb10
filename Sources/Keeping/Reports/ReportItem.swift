package import Digests

/// What a report knows of one holding.
package struct ReportItem: Sendable {
    package var holding: Holding
    package var method: String
    /// What it goes onto; nil where nothing says so.
    package var base: Base?
    package var parameterCount: Int
    package var chain: SizeChain
    /// Whether the size of a full copy is known, so that there is something to be compared with.
    package var knowsCopy: Bool
    /// Nanoseconds since 1970.
    package var added: Int64
    /// Of an adapter; nil where it was not computed.
    package var contentDigest: Digest?
    /// The content digest of the same adapter bound to no base.
    var unboundDigest: Digest?
    var files = OwnFiles()

    package init(
        holding: Holding, method: String, base: Base? = nil, parameterCount: Int, chain: SizeChain, knowsCopy: Bool,
        added: Int64
    ) {
        self.holding = holding
        self.method = method
        self.base = base
        self.parameterCount = parameterCount
        self.chain = chain
        self.knowsCopy = knowsCopy
        self.added = added
    }

    package var name: String { holding.names.first ?? holding.path }

    package struct Base: Hashable, Sendable {
        /// Tells bases apart: the root of a fingerprint where that is known, else a name or a path.
        package let key: String
        /// For people.
        package let label: String
        /// Whether the key is the root of a fingerprint.
        let isFingerprint: Bool

        package init(key: String, label: String, isFingerprint: Bool = false) {
            self.key = key
            self.label = label
            self.isFingerprint = isFingerprint
        }
    }
}
