package import Adapters
package import Digests

/// One of the adapters that are put onto a base.
package struct WeightedAdapter: Sendable {
    package let adapter: Adapter
    /// Where it came from, for messages.
    package let path: String
    /// Multiplies what it adds.
    package let weight: Double
    /// What it does, whatever its compression and the base it is bound to.
    package let contentDigest: Digest

    package init(_ adapter: Adapter, contentDigest: Digest, path: String, weight: Double) {
        self.adapter = adapter
        self.contentDigest = contentDigest
        self.path = path
        self.weight = weight
    }

    /// The same with another weight.
    package func weighing(_ weight: Double) -> WeightedAdapter {
        WeightedAdapter(adapter, contentDigest: contentDigest, path: path, weight: weight)
    }
}
