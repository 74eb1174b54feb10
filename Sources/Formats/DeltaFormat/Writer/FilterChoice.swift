import CKernels
import Diagnostics
import Tensors

/// Which filter a tensor gets: a function of its dtype and its first bytes alone, so that the same tensor is always
/// written the same way.
struct FilterChoice {
    let compression: Compression
    let encoder: ChunkEncoder

    /// How much of a tensor is looked at; tensors up to this size are tried whole.
    static let sampleSize = 4096

    /// The filter for a tensor that is still to be read.
    func filter(for tensor: any TensorSource) throws(Failure) -> Filter {
        if let filter = ofSegments(tensor) { return filter }
        let sample = try tensor.read(at: 0, count: sampleCount(tensor))
        return try unsafe sample.withBytes { sample throws(Failure) in try unsafe filter(for: tensor, head: sample) }
    }

    /// The filter for a tensor whose first bytes, or all of them, are at hand.
    func filter(for tensor: any TensorSource, head: UnsafeRawBufferPointer) throws(Failure) -> Filter {
        if let filter = ofSegments(tensor) { return filter }
        let candidates = Filter.allCases.filter { $0.applies(to: tensor.dtype) }
        guard candidates.count > 1, tensor.byteCount > 16 else { return .none }
        let sample = unsafe UnsafeRawBufferPointer(rebasing: head[..<sampleCount(tensor)])
        if compression != .max, tensor.byteCount > Self.sampleSize, tensor.dtype.isFloat {
            return unsafe holdsNarrowerFloats(sample, width: tensor.dtype.width ?? 1) ? .bytes : .exponent
        }
        return try unsafe smallest(of: candidates, for: sample, dtype: tensor.dtype)
    }

    /// What is ordered by the base's exponents has nothing but bytes of different weight.
    private func ofSegments(_ tensor: any TensorSource) -> Filter? {
        guard tensor.isSegmented else { return nil }
        return tensor.dtype.bits > 8 ? .bytes : Filter.none
    }

    private func sampleCount(_ tensor: any TensorSource) -> Int {
        let length = min(tensor.byteCount, compression == .max ? 1 << 18 : Self.sampleSize)
        let width = tensor.dtype.width ?? 1
        return length / width * width
    }

    /// The filter under which the sample takes the fewest bytes, its records included; the simpler one where equal.
    private func smallest(
        of candidates: [Filter], for sample: UnsafeRawBufferPointer, dtype: DType
    ) throws(Failure) -> Filter {
        var best: (filter: Filter, size: Int)?
        var target = [UInt8](repeating: 0, count: sample.count)
        for filter in candidates {
            var records: [PlaneRecord] = []
            let stored = try unsafe target.withMutableBytes { target throws(Failure) in
                try unsafe encoder.encode(sample, filter: filter, dtype: dtype, into: target, records: &records)
            }
            let size = stored + records.reduce(0) { $0 + ($1.codec == .raw ? 12 : 20) }
            if best.map({ size < $0.size }) ?? true { best = (filter, size) }
        }
        return best?.filter ?? .none
    }

    /// Whether the low half of every element is zero, as in fp32 that holds bf16 values: then each byte has a plane.
    private func holdsNarrowerFloats(_ sample: UnsafeRawBufferPointer, width: Int) -> Bool {
        for start in stride(from: 0, to: sample.count, by: width) {
            for index in start..<start + width / 2 where unsafe sample[index] != 0 { return false }
        }
        return width > 2
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` with a typed throw.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
        let raw = unsafe span.bytes
        return try unsafe raw.withUnsafeBytes { bytes throws(Failure) in try unsafe body(bytes) }
    }

    mutating func withMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = mutableSpan
        var raw = unsafe span.mutableBytes
        return try unsafe raw.withUnsafeMutableBytes { bytes throws(Failure) in try unsafe body(bytes) }
    }
}
