/// Numbers that views share, aligned to 64 bytes.
@safe
final class Storage<R: Real>: @unchecked Sendable {
    let start: UnsafeMutablePointer<R>
    private let bytes: Int
    private let home: FreeList?

    /// Undefined numbers. They go to `home`, if there is one, when the last view goes.
    init(count: Int, home: FreeList? = nil) {
        let (needed, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<R>.stride)
        precondition(!overflows && count >= 0, "a matrix of \(count) numbers")
        if let home {
            let block = unsafe home.take(max(1, needed))
            unsafe bytes = block.bytes
            unsafe start = block.start.bindMemory(to: R.self, capacity: count)
        } else {
            bytes = max(1, needed)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            unsafe start = memory.bindMemory(to: R.self, capacity: count)
        }
        self.home = home
    }

    deinit {
        if let home {
            unsafe home.giveBack(UnsafeMutableRawPointer(start), bytes)
        } else {
            unsafe UnsafeMutableRawPointer(start).deallocate()
        }
    }
}

/// Memory that comes back: storage of matrices made here waits for the next matrix of about its size when the last view
/// goes.
public final class Workspace<R: Real>: Sendable {
    let list = FreeList()

    /// An empty one.
    public init() {}

    /// A matrix whose numbers are undefined.
    public func matrix(rows: Int, columns: Int) -> Matrix<R> {
        Matrix(storage: Storage(count: Matrix<R>.count(rows, columns), home: list), rows: rows, columns: columns)
    }

    /// Gives memory that nobody uses back to the system.
    public func trim() {
        list.trim()
    }
}
