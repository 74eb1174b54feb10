package import Adapters
package import Diagnostics
import Tensors

/// What a kind demands of its values, not only of their shapes: checked before anything scatters or looks up by them.
package enum ValueRules {
    package static func check(_ adapter: Adapter) throws(Failure) {
        for entry in adapter.entries {
            do throws(Failure) {
                switch entry.key.kind {
                case .sparse where entry.parameters["places"] != nil: try checkGaps(entry)
                case .sparse: try checkSparse(entry)
                case .mask: try checkMask(entry)
                default: break
                }
                for tensor in entry.tensors where tensor.source.dtype == .bit {
                    try checkTailBits(tensor.source)
                }
            } catch {
                throw error.on(entry.key.description)
            }
        }
        try checkFrames(adapter)
    }

    /// A finding for every tensor of floats that holds NaN or infinity.
    package static func nonFinite(in adapter: Adapter) throws(Failure) -> [Finding] {
        var findings: [Finding] = []
        for entry in adapter.entries {
            for tensor in entry.tensors where tensor.source.dtype.isFloat {
                var count = 0
                try forEachBlock(of: tensor.source) { (bytes, _) throws(Failure) in
                    count += FiniteCheck.nonFiniteCount(bytes, dtype: tensor.source.dtype)
                }
                if count > 0 {
                    findings.append(
                        Finding(
                            "not-finite", "\(count) values are NaN or infinite",
                            object: "\(entry.key), tensor \(tensor.role.word)"))
                }
            }
        }
        return findings
    }

    /// Indices into the target, as one ascending row or as rows of coordinates: below what they index, each once.
    private static func checkSparse(_ entry: AdapterEntry) throws(Failure) {
        guard let indices = entry[.indices], indices.shape.rank == 1 else { return }
        let bound = entry.parameters["elements"]?.int.map(UInt64.init(clamping:)) ?? UInt64.max
        var previous: UInt64?
        try forEachBlock(of: indices) { (bytes, offset) throws(Failure) in
            let width = indices.dtype.width ?? 1
            for start in stride(from: 0, to: bytes.count, by: width) {
                guard let index = place(bytes[start..<start + width], as: indices.dtype) else {
                    throw Failure(
                        .sparseIndex, "an index of a sparse entry is no place", actual: "element \(start / width)")
                }
                let isAscending = previous.map { $0 < index } ?? true
                guard isAscending, index < bound else {
                    throw Failure(
                        .sparseIndex, "the indices of a sparse entry do not ascend below the target's size",
                        expected: isAscending ? "below \(bound)" : "above \(previous ?? 0)", actual: "\(index)")
                }
                previous = index
            }
        }
    }

    /// The index that these bytes hold; nil where it is negative or has a fraction.
    private static func place(_ bytes: ArraySlice<UInt8>, as dtype: DType) -> UInt64? {
        let bits = bytes.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        switch dtype {
        case .i8, .i16, .i32, .i64: return bits >> (dtype.bits - 1) == 0 ? bits : nil
        case .f32: return UInt64(exactly: Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        default: return bits
        }
    }

    private static func checkMask(_ entry: AdapterEntry) throws(Failure) {
        guard let bitmap = entry[.bitmap] else { return }
        try checkTailBits(bitmap, as: .maskCount)
        var count = 0
        try forEachBlock(of: bitmap) { (bytes, _) throws(Failure) in
            for byte in bytes { count += byte.nonzeroBitCount }
        }
        guard let values = entry[.value], values.shape.rank == 1 else { return }
        let expected = try values.shape.elementCount()
        guard count == expected else {
            throw Failure(
                .maskCount, "a mask has another count of bits than it has values", expected: "\(expected)",
                actual: "\(count)")
        }
    }

    private static func checkTailBits(_ source: any TensorSource, as code: Failure.Code = .notCanonical) throws(Failure)
    {
        let used = try source.shape.elementCount() * source.dtype.bits % 8
        guard used != 0, source.byteCount > 0 else { return }
        let last = try source.read(at: source.byteCount - 1, count: 1)[0]
        guard last >> UInt8(used) == 0 else {
            throw Failure(code, "the bits after the last element are not zero", actual: "\(last)")
        }
    }

    static func forEachBlock(
        of source: any TensorSource, _ body: ([UInt8], Int) throws(Failure) -> Void
    ) throws(Failure) {
        let step = 1 << 20
        for offset in stride(from: 0, to: source.byteCount, by: step) {
            try Cancellation.check()
            try body(try source.read(at: offset, count: min(step, source.byteCount - offset)), offset)
        }
    }
}

/// Counts floats whose exponent bits are all ones.
enum FiniteCheck {
    static func nonFiniteCount(_ bytes: [UInt8], dtype: DType) -> Int {
        guard let width = dtype.width else { return 0 }
        let (high, low): (UInt8, UInt8) =
            switch dtype {
            case .f16: (0x7C, 0)
            case .bf16, .f32: (0x7F, 0x80)
            case .f64: (0x7F, 0xF0)
            default: (0xFF, 0xFF)
            }
        var count = 0
        for end in stride(from: width, through: bytes.count, by: width)
        where bytes[end - 1] & high == high && bytes[end - 2] & low == low {
            count += 1
        }
        return count
    }
}
