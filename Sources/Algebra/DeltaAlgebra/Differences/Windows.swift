import Diagnostics

/// A tensor's bytes cut into windows of one size, the last of which may be shorter.
struct Windows: Hashable, Sendable {
    let byteCount: Int
    let size: Int

    var count: Int { (byteCount + size - 1) / size }

    subscript(_ window: Int) -> Range<Int> {
        window * size..<min((window + 1) * size, byteCount)
    }

    /// Calls `body` for every window that `range` meets, in order.
    func forEach(
        meeting range: Range<Int>, _ body: (_ window: Int, _ bytes: Range<Int>) throws(Failure) -> Void
    ) throws(Failure) {
        guard !range.isEmpty else { return }
        for window in range.lowerBound / size...(range.upperBound - 1) / size { try body(window, self[window]) }
    }
}
