import Diagnostics
import Parallelism
import Tensors

/// What one lane needs to compute a window: the base's bytes, and buffers beside them.
final class WindowScratch: Sendable {
    /// A window of which not all is asked for.
    let whole = ScratchBuffer()
    let base = ScratchBuffer()
    let tuned = ScratchBuffer()
    let first = ScratchBuffer()
    let second = ScratchBuffer()

    private static let pool = Pool<WindowScratch>()

    /// Calls `body` with one that nobody else uses meanwhile.
    static func with<Result>(_ body: (WindowScratch) throws(Failure) -> Result) throws(Failure) -> Result {
        let scratch = pool.take() ?? WindowScratch()
        defer { pool.giveBack(scratch) }
        return try body(scratch)
    }
}

extension TensorSource {
    /// Reads `range` of the bytes into the beginning of `buffer` and gives what was read.
    func read(_ range: Range<Int>, into buffer: ScratchBuffer) throws(Failure) -> UnsafeMutableRawBufferPointer {
        let bytes = unsafe buffer.bytes(range.count)
        var span = unsafe MutableRawSpan(_unsafeBytes: bytes)
        try read(at: range.lowerBound, into: &span)
        return unsafe bytes
    }
}
