import Adapters
import CKernels
import Diagnostics
import Tensors

/// What a sparse entry whose places are gaps demands of its streams, as far as they tell without the base:
/// `Spec/deltas.md`, `Spec/arithmetic.md`, "Few changes".
struct GapRules {
    private let indices: any TensorSource
    private let value: any TensorSource
    private let counts: any TensorSource
    private let isDifference: Bool

    /// Throws ``Failure/Code/sparseIndex`` where a stream is not there.
    init(_ entry: AdapterEntry) throws(Failure) {
        guard let indices = entry[.indices], let value = entry[.value], let counts = entry[.counts],
            counts.dtype == .u32, counts.byteCount % 8 == 0
        else { throw Failure(.sparseIndex, "a sparse entry of gaps lacks its gaps, values or counts") }
        self.indices = indices
        self.value = value
        self.counts = counts
        isDifference = entry.parameters["mode"]?.string != "replace"
    }

    func check() throws(Failure) {
        let width = value.dtype.width ?? 1
        let table = try counts.readAll()
        var gapStart = 0
        var valueStart = 0
        for window in 0..<table.count / 8 {
            try Cancellation.check()
            let changes = number(table, at: window * 8)
            let gaps = number(table, at: window * 8 + 4)
            guard gaps <= indices.byteCount - gapStart, changes * width <= value.byteCount - valueStart else {
                throw sizes()
            }
            try check(indices.read(at: gapStart, count: gaps), changes, window)
            if isDifference { try check(values: value.read(at: valueStart, count: changes * width), width, window) }
            gapStart += gaps
            valueStart += changes * width
        }
        guard gapStart == indices.byteCount, valueStart == value.byteCount else { throw sizes() }
    }

    private func number(_ table: [UInt8], at place: Int) -> Int {
        table[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private func sizes() -> Failure {
        Failure(.sparseIndex, "there are other numbers of places and values than the windows count")
    }

    private func check(_ gaps: [UInt8], _ changes: Int, _ window: Int) throws(Failure) {
        var end = 0
        var found = 0
        for gap in gaps {
            end += Int(gap)
            if gap == 255 { continue }
            end += 1
            found += 1
        }
        guard end <= Int(TENON_WINDOW), found == changes, gaps.last != 255 else {
            throw Failure(.sparseIndex, "the gaps of window \(window) lead beyond it, or their number is wrong")
        }
    }

    private func check(values: [UInt8], _ width: Int, _ window: Int) throws(Failure) {
        for start in stride(from: 0, to: values.count, by: width)
        where values[start..<start + width].allSatisfy({ $0 == 0 }) {
            throw Failure(.sparseIndex, "window \(window) has a difference of zero, which is no change")
        }
    }
}
