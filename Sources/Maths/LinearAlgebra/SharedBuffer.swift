/// Zeros that lanes write to side by side, each its own part.
@safe
package final class SharedBuffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>: @unchecked Sendable {
    package let count: Int
    /// The first element, aligned to 64 bytes.
    package let start: UnsafeMutablePointer<Element>

    package init(count: Int) {
        self.count = count
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 64)
        unsafe start = memory.bindMemory(to: Element.self, capacity: count)
        unsafe start.initialize(repeating: 0, count: count)
    }

    deinit {
        unsafe UnsafeMutableRawPointer(start).deallocate()
    }

    package var elements: UnsafeMutableBufferPointer<Element> {
        unsafe UnsafeMutableBufferPointer(start: start, count: count)
    }
}
