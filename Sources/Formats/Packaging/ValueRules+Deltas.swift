import Adapters
import Checkpoints
import Diagnostics
import Tensors

/// What differences of checkpoints demand of their values: `Spec/deltas.md`.
extension ValueRules {
    /// Elements of a window. Its gaps begin anew.
    private static let window = 1 << 19
    /// Windows whose counts are held at once.
    private static let windowsAtOnce = 1 << 12

    /// Counts that add up, gaps that stay in their windows and end there, as many changes as values, none of zero.
    static func checkGaps(_ entry: AdapterEntry) throws(Failure) {
        let elements = entry.parameters["elements"]?.int
        let windows = (entry[.counts]?.byteCount ?? 0) / 8
        if let elements {
            guard elements >= 0, elements / window + (elements % window > 0 ? 1 : 0) == windows else {
                throw Failure(
                    .sparseIndex, "the counts are not those of a tensor of so many elements", expected: "\(elements)",
                    actual: "\(windows) windows")
            }
        }
        let gaps = entry[.indices], values = entry[.value]
        var rest = FewChangesSize(
            changes: try values?.shape.elementCount() ?? 0, gapBytes: gaps?.byteCount ?? 0)
        for first in stride(from: 0, to: windows, by: windowsAtOnce) {
            try Cancellation.check()
            guard let source = entry[.counts] else { break }
            let bytes = try source.read(at: first * 8, count: min(windowsAtOnce, windows - first) * 8)
            for number in 0..<bytes.count / 8 {
                let count = FewChangesSize(bytes[number * 8..<number * 8 + 8])
                let size = elements.map { min(window, $0 - (first + number) * window) } ?? window
                guard rest.contains(count), count.isPossible(inElements: size) else {
                    throw Failure(
                        .sparseIndex, "the counts do not add up, or are more than a window can have",
                        object: "window \(first + number)")
                }
                if let gaps, count.gapBytes > 0 {
                    let offset = gaps.byteCount - rest.gapBytes
                    try checkWindow(
                        try gaps.read(at: offset, count: count.gapBytes), changes: count.changes, elements: size,
                        number: first + number)
                }
                rest.changes -= count.changes
                rest.gapBytes -= count.gapBytes
            }
        }
        guard rest.changes == 0, rest.gapBytes == 0 else {
            throw Failure(
                .sparseIndex, "there are more values or gaps than the counts say", expected: "none",
                actual: "\(rest.changes) and \(rest.gapBytes)")
        }
        if let values, entry.parameters["mode"]?.string != "replace" { try checkNonzero(values) }
    }

    private static func checkWindow(
        _ gaps: [UInt8], changes: Int, elements: Int, number: Int
    ) throws(Failure) {
        var place = 0
        var found = 0
        for gap in gaps {
            place += Int(gap)
            if gap == 255 { continue }
            guard place < elements else { break }
            place += 1
            found += 1
        }
        guard found == changes, gaps.last != 255, place <= elements else {
            throw Failure(
                .sparseIndex, "the gaps lead beyond their window, or are not as many as its changes",
                object: "window \(number)", expected: "\(changes) below \(elements)", actual: "\(found), up to \(place)"
            )
        }
    }

    private static func checkNonzero(_ values: any TensorSource) throws(Failure) {
        let width = values.dtype.width ?? 1
        try forEachBlock(of: values) { bytes, offset throws(Failure) in
            for start in stride(from: 0, to: bytes.count, by: width)
            where bytes[start..<start + width].allSatisfy({ $0 == 0 }) {
                throw Failure(
                    .sparseIndex, "a difference is zero", object: "element \((offset + start) / width)")
            }
        }
    }

    /// The headers of files of tensors: sound, of files as large as they say, no tensor in two of them.
    static func checkFrames(_ adapter: Adapter) throws(Failure) {
        var names: Set<[UInt8]> = []
        for entry in adapter.entries where entry.key.kind == .file {
            guard entry.parameters["layout"]?.string == "checkpoint", let size = entry.parameters["size"]?.int,
                let frame = entry[.frame]
            else { continue }
            do throws(Failure) {
                guard frame.byteCount <= SafetensorsHeader.maximumByteCount else {
                    throw Failure(
                        .baseInvalid, "the header is larger than one may be", actual: "\(frame.byteCount) bytes")
                }
                let header = try SafetensorsHeader(parsing: try frame.readAll(), fileByteCount: size)
                for tensor in header.tensors where !names.insert(Array(tensor.name.utf8)).inserted {
                    throw Failure(.duplicate, "a tensor stands in two files", actual: tensor.name)
                }
            } catch {
                throw error.on(entry.key.description)
            }
        }
    }
}

/// How many changes there are, and how many bytes of gaps.
private struct FewChangesSize {
    var changes: Int
    var gapBytes: Int

    init(changes: Int, gapBytes: Int) {
        self.changes = changes
        self.gapBytes = gapBytes
    }

    /// From two u32.
    init(_ bytes: ArraySlice<UInt8>) {
        func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
        changes = number(bytes.prefix(4))
        gapBytes = number(bytes.suffix(4))
    }

    func contains(_ part: FewChangesSize) -> Bool {
        part.changes <= changes && part.gapBytes <= gapBytes
    }

    func isPossible(inElements elements: Int) -> Bool {
        changes <= elements && gapBytes >= changes && gapBytes <= changes + elements / 255
    }
}
