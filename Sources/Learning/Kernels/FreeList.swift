import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory that waits for its next user, by size. With what is in use it never is much more than was in use at once: steps of
/// other sizes do not each keep what they needed.
@safe
final class FreeList: @unchecked Sendable {
    private typealias Block = (address: UInt, bytes: Int)

    private struct State {
        var idle: [Int: [UInt]] = [:]
        var idleBytes = 0
        var usedBytes = 0
        /// The most that was in use at once.
        var peakBytes = 0

        /// Takes a block out that is as large, or half as large again at most.
        mutating func take(_ bytes: Int) -> Block? {
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
        mutating func makeRoom(for bytes: Int) -> [Block] {
            var taken: [Block] = []
            let most = max(peakBytes, usedBytes + bytes) / 4 * 5
            guard usedBytes + idleBytes + bytes > most else { return [] }
            for size in idle.keys.sorted(by: { abs($0 - bytes) < abs($1 - bytes) }) {
                while usedBytes + idleBytes + bytes > most, let address = idle[size]?.popLast() {
                    idleBytes -= size
                    taken.append((address, size))
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
        return unsafe (Self.allocate(wanted), wanted)
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
            return state.idle.flatMap { bytes, addresses in addresses.map { ($0, bytes) } }
        }
        Self.free(all)
    }

    // MARK: From the system

    /// Blocks from this size on are mapped, each by itself: an allocator's heap would keep what lies between others.
    private static let mappedBytes = 1 << 16

    /// Ends the program where there is none, as the standard allocator does: no pass can go on without it, and whether there
    /// is enough for a run is asked before it begins.
    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard bytes >= mappedBytes else { return .allocate(byteCount: bytes, alignment: 64) }
        let map = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let map = unsafe map, unsafe map != MAP_FAILED else { fatalError("no memory for \(bytes) bytes") }
        return unsafe map
    }

    private static func free(_ blocks: [Block]) {
        for block in blocks {
            guard let start = unsafe UnsafeMutableRawPointer(bitPattern: block.address) else { continue }
            if block.bytes >= mappedBytes {
                unsafe munmap(start, block.bytes)
            } else {
                unsafe start.deallocate()
            }
        }
    }
}
