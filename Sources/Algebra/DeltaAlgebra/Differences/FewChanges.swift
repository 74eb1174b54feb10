package import Adapters
package import Diagnostics
package import Tensors

/// The elements in which two tensors of one dtype and shape differ, as two streams: how far apart they lie, and what
/// becomes of them. `Spec/arithmetic.md`, "Few changes".
///
/// Every window begins anew, so that it can be read by itself.
package struct FewChanges: Sendable {
    let base: any TensorSource
    let tuned: any TensorSource
    let mode: FewChangesMode
    let counts: [FewChangesCount]
    private let kept: KeptChanges?

    /// - Parameter counts: For each window.
    package init(base: any TensorSource, tuned: any TensorSource, mode: FewChangesMode, counts: [FewChangesCount]) {
        self.init(base: base, tuned: tuned, mode: mode, counts: counts, kept: nil)
    }

    init(
        base: any TensorSource, tuned: any TensorSource, mode: FewChangesMode, counts: [FewChangesCount],
        kept: KeptChanges?
    ) {
        self.base = base
        self.tuned = tuned
        self.mode = mode
        self.counts = counts
        // What is held are differences.
        self.kept = mode == .difference ? kept : nil
    }

    /// The tensors of the entry. What is not held is computed as it is read.
    package func tensors() throws(Failure) -> [RoleTensor] {
        let kind = ElementKind(base.dtype)
        let windows = Windows(byteCount: base.byteCount, size: kind.windowByteCount)
        let streams = FewChangesStreams(base: base, tuned: tuned, mode: mode, kind: kind, windows: windows, kept: kept)
        return [
            RoleTensor(
                .indices, FewChangesStream(streams: streams, part: .gaps, counts: counts.map(\.gapBytes))),
            RoleTensor(
                .value,
                FewChangesStream(streams: streams, part: .values, counts: counts.map { $0.changes * kind.width })),
            RoleTensor(.counts, try FewChangesCount.tensor(counts)),
        ]
    }
}

/// What the stream of values holds.
package enum FewChangesMode: String, Sendable {
    /// Zig-zag differences from the base's elements.
    case difference
    /// The new elements.
    case replace
}

/// Both streams of each window of a tensor, as differences, which were put back onto the base and compared.
struct KeptChanges: Sendable {
    struct Window: Sendable {
        let gaps: [UInt8]
        let differences: [UInt8]
    }

    private var windows: [Window]

    init(windowCount: Int) {
        windows = [Window](repeating: Window(gaps: [], differences: []), count: windowCount)
    }

    subscript(window: Int) -> Window {
        get { windows[window] }
        set { windows[window] = newValue }
    }
}

/// How long a window's parts of the two streams are.
package struct FewChangesCount: Hashable, Sendable {
    package var changes: Int
    package var gapBytes: Int

    package init(changes: Int = 0, gapBytes: Int = 0) {
        self.changes = changes
        self.gapBytes = gapBytes
    }

    /// All of a tensor's windows as U32 [windows, 2].
    static func tensor(_ counts: [FewChangesCount]) throws(Failure) -> TensorBuffer {
        var bytes: [UInt8] = []
        for count in counts {
            for number in [count.changes, count.gapBytes] {
                for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
            }
        }
        return try TensorBuffer(dtype: .u32, shape: [counts.count, 2], bytes: bytes)
    }

    /// The inverse, for `windows` windows of at most `elements` elements.
    static func read(_ source: any TensorSource, windows: Int, elements: Int) throws(Failure) -> [FewChangesCount] {
        guard source.dtype == .u32, source.byteCount == windows * 8 else {
            throw Failure(
                .sparseIndex, "the counts are not those of a tensor like the base's", expected: "\(windows) windows",
                actual: "\(source.byteCount / 8)")
        }
        let bytes = try source.readAll()
        return try (0..<windows).map { window throws(Failure) in
            func number(_ place: Int) -> Int {
                bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
            }
            let count = FewChangesCount(changes: number(window * 8), gapBytes: number(window * 8 + 4))
            guard count.changes <= elements, count.gapBytes >= count.changes,
                count.gapBytes <= count.changes + elements / 255
            else {
                throw Failure(.sparseIndex, "window \(window) cannot have so many changes and gaps")
            }
            return count
        }
    }
}
