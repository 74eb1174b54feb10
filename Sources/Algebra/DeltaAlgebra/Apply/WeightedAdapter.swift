package import Adapters

/// One of the adapters that are put onto a base.
package struct WeightedAdapter: Sendable {
    package let adapter: Adapter
    /// Where it came from, for messages.
    package let path: String
    /// Multiplies what it adds.
    package let weight: Double

    package init(_ adapter: Adapter, path: String, weight: Double) {
        self.adapter = adapter
        self.path = path
        self.weight = weight
    }
}
