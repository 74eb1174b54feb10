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

/// Memory that waits for its next user, by size. With what is in use it never is much more than was in use at once: steps of
/// other sizes do not each keep what they needed.
@safe
final class FreeList: @unchecked Sendable {
    private struct State {
        var idle: [Int: [UInt]] = [:]
        var idleBytes = 0
        var usedBytes = 0
        /// The most that was in use at once.
        var peakBytes = 0

        /// Takes a block out that is as large, or half as large again at most.
        mutating func take(_ bytes: Int) -> (address: UInt, bytes: Int)? {
            var size = bytes
            while size <= bytes + bytes / 2 {
                if let address = idle[size]?.popLast() {
                    idleBytes -= size
                    return (address, size)
                }
                size = FreeList.size(of: size + 1)
            }
            return nil
        }

        /// Takes blocks out, those next in size first, until there is room for one of `bytes`.
        mutating func makeRoom(for bytes: Int) -> [UInt] {
            var taken: [UInt] = []
            let most = max(peakBytes, usedBytes + bytes) / 4 * 5
            guard usedBytes + idleBytes + bytes > most else { return [] }
            for size in idle.keys.sorted(by: { abs($0 - bytes) < abs($1 - bytes) }) {
                while usedBytes + idleBytes + bytes > most, let address = idle[size]?.popLast() {
                    idleBytes -= size
                    taken.append(address)
                }
            }
            return taken
        }
    }

    private let state = Mutex(State())

    deinit {
        trim()
    }

    /// Sizes come in eighths of a power of two, so that much the same size finds what is there.
    static func size(of bytes: Int) -> Int {
        guard bytes > 512 else { return (bytes + 63) / 64 * 64 }
        let step = 1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount - 3)
        return (bytes + step - 1) / step * step
    }

    /// Memory of at least `bytes`, and how much it is.
    func take(_ bytes: Int) -> (start: UnsafeMutableRawPointer, bytes: Int) {
        let wanted = Self.size(of: bytes)
        let (found, surplus) = state.withLock { state in
            let found = state.take(wanted)
            let surplus = found == nil ? state.makeRoom(for: wanted) : []
            state.usedBytes += found?.bytes ?? wanted
            state.peakBytes = max(state.peakBytes, state.usedBytes)
            return (found, surplus)
        }
        Self.free(surplus)
        if let found, let start = unsafe UnsafeMutableRawPointer(bitPattern: found.address) {
            return unsafe (start, found.bytes)
        }
        return (.allocate(byteCount: wanted, alignment: 64), wanted)
    }

    func giveBack(_ memory: UnsafeMutableRawPointer, _ bytes: Int) {
        let address = UInt(bitPattern: memory)
        state.withLock { state in
            state.idle[bytes, default: []].append(address)
            state.idleBytes += bytes
            state.usedBytes -= bytes
        }
    }

    func trim() {
        let all = state.withLock { state in
            defer {
                state.idle = [:]
                state.idleBytes = 0
            }
            return state.idle.values.joined().map(\.self)
        }
        Self.free(all)
    }

    private static func free(_ addresses: [UInt]) {
        for address in addresses { unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
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
