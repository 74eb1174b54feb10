/// How many bytes a command may hold, and how that is shared among its lanes.
package struct MemoryBudget: Sendable {
    package let bytes: Int

    package init(bytes: Int) {
        self.bytes = bytes
    }

    /// The default cap: 1 GiB.
    package static let standard = MemoryBudget(bytes: 1 << 30)

    /// How many lanes of `perLane` bytes fit, at least one and at most `wanted`.
    package func lanes(wanted: Int, perLane: Int) -> Int {
        max(1, min(wanted, bytes / max(1, perLane)))
    }
}
