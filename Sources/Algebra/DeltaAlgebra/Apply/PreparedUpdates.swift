import Diagnostics
import Synchronization
import Tensors

/// The updates of one tensor, whose factors are read when the first of its bytes is asked for and let go after the last.
final class UpdateFactors: Sendable {
    let updates: [PlannedUpdate]
    let rows: Int
    let columns: Int
    private let byteCount: Int
    private let state = Mutex(State())

    private struct State {
        var prepared: PreparedUpdates?
        /// Bytes read since they were prepared.
        var done = 0
    }

    /// - Parameters:
    ///   - updates: At least one; all of this tensor.
    ///   - byteCount: How many bytes will be read.
    init(_ updates: [PlannedUpdate], byteCount: Int, of name: String) throws(Failure) {
        self.updates = updates
        self.byteCount = byteCount
        rows = updates[0].rows
        columns = updates[0].columns
        guard updates.allSatisfy({ $0.rows == rows && $0.columns == columns }) else {
            throw Failure(.internal, "two updates see one tensor as different matrices", object: name)
        }
    }

    /// - Parameter finish: What has to be done once before they are used.
    func prepared(
        finish: (inout PreparedUpdates) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> PreparedUpdates {
        try state.withLock { state throws(Failure) in
            if let prepared = state.prepared { return prepared }
            var prepared = try PreparedUpdates(updates)
            try finish(&prepared)
            state.prepared = prepared
            return prepared
        }
    }

    func note(_ count: Int) {
        state.withLock { state in
            state.done += count
            if state.done >= byteCount { state = State() }
        }
    }
}

/// The updates of one tensor with their factors in memory.
struct PreparedUpdates: Sendable {
    private(set) var replacement: (any TensorSource)?
    private(set) var sums: [any SumUpdate] = []
    private(set) var maps: [any RowUpdate] = []
    /// The result where it had to be computed as a whole.
    var whole: [UInt8]?

    init(_ updates: [PlannedUpdate]) throws(Failure) {
        for update in updates {
            switch try update.prepare() {
            case .sum(let sum): sums.append(sum)
            case .map(let map): maps.append(map)
            case .replace(let source): replacement = source
            }
        }
    }

    var isSumOnly: Bool { maps.isEmpty && replacement == nil }
    var needsColumns: Bool { maps.contains { $0.axis == .columns } }

    /// Overwrites `sum` with what all sums add to these rows.
    func add(_ rows: Range<Int>, to sum: UnsafeMutableBufferPointer<Float>) throws(Failure) {
        unsafe sum.update(repeating: 0)
        var span = unsafe sum.mutableSpan
        for update in sums { try update.add(rows: rows, to: &span) }
    }
}
