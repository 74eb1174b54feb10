import Diagnostics
import Tensors

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

    /// Fills `target` with the bytes from `offset` on, each window of which `compute` makes whole.
    func fill(
        _ target: inout MutableRawSpan, from offset: Int,
        _ compute: (
            _ window: Int, _ bytes: Range<Int>, _ whole: UnsafeMutableRawBufferPointer, _ scratch: WindowScratch
        ) throws(Failure) -> Void
    ) throws(Failure) {
        let range = offset..<offset + target.byteCount
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            try forEach(meeting: range) { window, bytes throws(Failure) in
                try WindowScratch.with { scratch throws(Failure) in
                    let overlap = bytes.clamped(to: range)
                    let place = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: target[overlap.lowerBound - offset..<overlap.upperBound - offset])
                    let whole = unsafe overlap == bytes ? place : scratch.whole.bytes(bytes.count)
                    try unsafe compute(window, bytes, whole, scratch)
                    if overlap == bytes { return }
                    let skip = overlap.lowerBound - bytes.lowerBound
                    unsafe place.copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: UnsafeRawBufferPointer(whole)[skip..<skip + overlap.count]))
                }
            }
        }
    }
}
