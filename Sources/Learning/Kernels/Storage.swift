import Synchronization

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
        bytes = FreeList.size(of: max(1, needed))
        self.home = home
        let memory = unsafe home?.take(bytes) ?? .allocate(byteCount: bytes, alignment: 64)
        unsafe start = memory.bindMemory(to: R.self, capacity: count)
    }

    deinit {
        if let home {
            unsafe home.giveBack(UnsafeMutableRawPointer(start), bytes)
        } else {
            unsafe UnsafeMutableRawPointer(start).deallocate()
        }
    }
}

/// Memory that waits for its next user, by size.
@safe
final class FreeList: @unchecked Sendable {
    private let idle = Mutex<[Int: [UInt]]>([:])

    deinit {
        trim()
    }

    /// Sizes come in eighths of a power of two, so that much the same size finds what is there.
    static func size(of bytes: Int) -> Int {
        guard bytes > 512 else { return (bytes + 63) / 64 * 64 }
        let step = 1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount - 3)
        return (bytes + step - 1) / step * step
    }

    func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let address = idle.withLock { $0[bytes]?.popLast() }
        return unsafe address.flatMap { unsafe UnsafeMutableRawPointer(bitPattern: $0) }
    }

    func giveBack(_ memory: UnsafeMutableRawPointer, _ bytes: Int) {
        let address = UInt(bitPattern: memory)
        idle.withLock { $0[bytes, default: []].append(address) }
    }

    func trim() {
        let all = idle.withLock { idle in
            defer { idle = [:] }
            return idle
        }
        for address in all.values.joined() { unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
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
