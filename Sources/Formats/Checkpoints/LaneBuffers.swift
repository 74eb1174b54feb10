package import Diagnostics
package import Parallelism
import Synchronization

/// One buffer for every lane, made once and used for as many blocks as the lane handles.
package struct LaneBuffers: Sendable {
    private final class Buffer: Sendable {
        let bytes: Mutex<[UInt8]>

        init(byteCount: Int) {
            bytes = Mutex([UInt8](repeating: 0, count: byteCount))
        }
    }

    private let buffers: [Buffer]

    /// Buffers of `byteCount` bytes for all lanes.
    package init(_ lanes: Lanes, byteCount: Int) {
        buffers = (0..<lanes.count).map { _ in Buffer(byteCount: byteCount) }
    }

    /// Calls `body` with the first `count` bytes of a lane's buffer; they hold what was left there.
    ///
    /// A lane has its buffer to itself, so the lock is never contended; it only makes a mistake harmless.
    package func withBuffer<Result>(
        lane: Int, count: Int, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try buffers[lane].bytes.withLock { bytes throws(Failure) in
            var span = bytes.mutableSpan
            var all = unsafe span.mutableBytes
            var part = all._mutatingExtracting(first: count)
            return try body(&part)
        }
    }
}
