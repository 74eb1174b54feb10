/// Memory that one lane uses again for every block. Grows, never shrinks; its bytes begin undefined.
@safe
package final class ScratchBuffer: @unchecked Sendable {
    private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    package init() {}

    deinit {
        unsafe memory.deallocate()
    }

    /// The first `count` bytes. What was there before may be gone.
    package func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        if unsafe memory.count < count {
            unsafe memory.deallocate()
            unsafe memory = .allocate(byteCount: count, alignment: 64)
        }
        return unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
    }
}
