import Parallelism
import Synchronization
import Tensors

/// What one matrix after the other is kept in while it is worked on: fresh memory for each would cost as much time as to
/// read it. For one matrix at a time. Grows to the largest, never shrinks.
package final class TileMemory: Sendable {
    private let blocks = ScratchBuffer()
    private let partial = Mutex(SharedBuffer<Float>(count: 0))
    /// For blocks that are not kept.
    let passing = Pool<ScratchBuffer>()

    package init() {}

    /// Makes room for so many bytes of blocks; what was kept is gone.
    func reserve(_ byteCount: Int) {
        _ = unsafe blocks.bytes(byteCount)
    }

    /// Some of the bytes that there is room for.
    func kept(_ start: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: blocks.bytes(start + count)[start...])
    }

    /// Room for so many numbers that are summed over groups of blocks, undefined.
    func parts(_ count: Int) -> SharedBuffer<Float> {
        partial.withLock { partial in
            if partial.count < count { partial = SharedBuffer(count: count) }
            return partial
        }
    }
}
