import CKernels
package import Parallelism

/// Where kernels run: on so many threads, with memory that is used again.
///
/// No bit of a result depends on the number of threads. Shapes that do not fit are faults of the program and trap.
public struct Engine<R: Real>: Sendable {
    /// How many threads compute.
    public let threads: Int
    /// Memory for results.
    public let workspace: Workspace<R>
    private let scratch = FreeList()

    /// An engine of its own.
    public init(threads: Int, workspace: Workspace<R> = Workspace()) {
        self.threads = max(1, threads)
        self.workspace = workspace
    }

    /// An engine on as many threads as there are lanes.
    package init(_ lanes: Lanes, workspace: Workspace<R> = Workspace()) {
        self.init(threads: lanes.count, workspace: workspace)
    }

    // MARK: Sharing work out

    /// Calls `body` once for each index below `total`, on all threads. Unlike the lanes it heeds no cancellation: a result
    /// is whole or its maker did not return.
    func forEach(_ total: Int, _ body: @Sendable (Int) -> Void) {
        Team.shared.forEach(total, threads: threads, body)
    }

    /// As above, with scratch memory for kernels that ask for it.
    func forEachWithScratch(_ total: Int, _ body: @Sendable (Int, UnsafeMutableRawPointer) -> Void) {
        let bytes = R.kernels.scratch_bytes
        forEach(total) { index in
            let memory = unsafe scratch.take(bytes)
            unsafe body(index, memory.start)
            unsafe scratch.giveBack(memory.start, memory.bytes)
        }
    }

    /// Cuts `count` rows or columns into ranges and calls `body` for each. One costs about `work` simple operations; all
    /// ranges but the last have a multiple of `multiple`.
    func forRanges(
        _ count: Int, work: Int, multiple: Int = 1, _ body: @Sendable (tenon_range) -> Void
    ) {
        // A range is worth about ten microseconds of one thread.
        let least = (1 << 16) / max(1, work) + 1
        let even = (count + threads * 4 - 1) / (threads * 4)
        let size = (max(least, even) + multiple - 1) / multiple * multiple
        forEach((count + size - 1) / size) { index in
            body(tenon_range(from: index * size, to: min((index + 1) * size, count)))
        }
    }
}

/// A call whose arguments do not fit each other is a fault of the program.
@inline(__always)
func require(_ holds: Bool, _ what: @autoclosure () -> String) {
    precondition(holds, what())
}
