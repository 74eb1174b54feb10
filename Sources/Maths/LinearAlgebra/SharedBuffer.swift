/// Zeros that lanes write to side by side, each its own part.
@safe
package final class SharedBuffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>: @unchecked Sendable {
    package let count: Int
    /// The first element, aligned to 64 bytes.
    package let start: UnsafeMutablePointer<Element>

    package init(count: Int) {
        self.count = count
        let byteCount = max(1, count) * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        // Bytes of zeros are a zero of all these types; written one by one they would be so through tables of the type.
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        unsafe start = memory.bindMemory(to: Element.self, capacity: count)
    }

    deinit {
        unsafe UnsafeMutableRawPointer(start).deallocate()
    }

    package var elements: UnsafeMutableBufferPointer<Element> {
        unsafe UnsafeMutableBufferPointer(start: start, count: count)
    }
}
