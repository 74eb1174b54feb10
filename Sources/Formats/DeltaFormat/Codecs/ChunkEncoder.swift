import CKernels
import Diagnostics
import Digests
import Tensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How much time to spend on size.
package enum Compression: String, Sendable, CaseIterable {
    case fast
    case standard = "default"
    case max
}

/// Encodes chunks on one lane: planes, codecs, checks, and the proof that they decode to what came in.
@safe
final class ChunkEncoder: @unchecked Sendable {
    private let compression: Compression
    private let verifies: Bool
    private let zstd: ZstdEncoder
    private let decoder: ZstdDecoder
    private let planes = ScratchBuffer()
    private let trial = ScratchBuffer()
    private let proof = ScratchBuffer()

    init(compression: Compression, verifies: Bool) throws(Failure) {
        self.compression = compression
        self.verifies = verifies
        self.zstd = try ZstdEncoder()
        self.decoder = try ZstdDecoder()
    }

    /// Appends the planes of one chunk to `target`, which has room for `chunk.count` bytes, and their records to
    /// `records`; returns how many bytes they took. `segments` says where runs of elements end that each want their own
    /// code.
    func encode(
        _ chunk: UnsafeRawBufferPointer, filter: Filter, dtype: DType, segments: [Int] = [],
        into target: UnsafeMutableRawBufferPointer, records: inout [PlaneRecord]
    ) throws(Failure) -> Int {
        let segments = Segments.merged(segments)
        let cut: UnsafeRawBufferPointer
        if filter == .none {
            unsafe cut = chunk
        } else {
            let buffer = unsafe planes.bytes(chunk.count)
            unsafe Planes.split(chunk, filter: filter, dtype: dtype, into: buffer)
            unsafe cut = UnsafeRawBufferPointer(buffer)
            if verifies { try unsafe proveJoin(cut, is: chunk, filter: filter, dtype: dtype) }
        }
        var start = 0
        var stored = 0
        for number in 0..<filter.planeCount(dtype) {
            let length = filter.planeBytes(number, of: chunk.count, dtype: dtype)
            let plane = unsafe UnsafeRawBufferPointer(rebasing: cut[start..<start + length])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[stored..<stored + length])
            let content: PlaneContent =
                filter == .exponent && number == 0 ? .exponents : dtype == .u8 ? .bytes : .other
            let record = try unsafe encode(plane: plane, content: content, segments: segments, into: room)
            records.append(record)
            start += length
            stored += record.storedBytes
        }
        return stored
    }

    private func encode(
        plane: UnsafeRawBufferPointer, content: PlaneContent, segments: [Int],
        into target: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> PlaneRecord {
        let rawCheck = unsafe XXH3.hash(plane.bytes)
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[..<max(0, plane.count - 8)])
        guard
            let size = unsafe segments.isEmpty
                ? compress(plane, content: content, into: room) : compress(plane, segments: segments, into: room)
        else {
            unsafe target.copyMemory(from: plane)
            return PlaneRecord(codec: .raw, storedBytes: plane.count, storedCheck: rawCheck, rawCheck: rawCheck)
        }
        let stored = unsafe UnsafeRawBufferPointer(rebasing: target[..<size])
        if verifies { try unsafe proveDecode(stored, is: plane) }
        return PlaneRecord(
            codec: .zstd, storedBytes: size, storedCheck: unsafe XXH3.hash(stored.bytes), rawCheck: rawCheck)
    }

    /// The size of the smallest frame that this effort finds, in `room`, which is eight bytes smaller than the plane: raw
    /// needs no second check sum. Nil where the plane is best left raw.
    private func compress(
        _ plane: UnsafeRawBufferPointer, content: PlaneContent, into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard plane.count > 16 else { return nil }
        if compression == .max {
            let first = unsafe zstd.encode(plane, into: room, effort: .level(19))
            let other = unsafe trial.bytes(first.map { $0 - 1 } ?? room.count)
            guard let second = unsafe zstd.encode(plane, into: other, effort: .entropy) else { return first }
            unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(other)[..<second]))
            return second
        }
        guard let effort = unsafe effort(for: plane, content: content) else { return nil }
        return unsafe zstd.encode(plane, into: room, effort: effort)
    }

    /// The same for a plane in segments: where it is nearly constant, matches reach below a bit a byte; else each segment
    /// has its own entropy code.
    private func compress(
        _ plane: UnsafeRawBufferPointer, segments: [Int], into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard plane.count > 16 else { return nil }
        let bits = unsafe Entropy.bits(of: plane)
        if bits < 0.5 {
            return unsafe zstd.encode(plane, into: room, effort: .level(compression == .max ? 19 : 1))
        }
        return unsafe zstd.encode(plane, segments: segments, into: room)
    }

    /// What to spend on a plane, judged by its first 16 KiB; nil if the first quarter of those looks like noise.
    private func effort(for plane: UnsafeRawBufferPointer, content: PlaneContent) -> Effort? {
        let sample = unsafe UnsafeRawBufferPointer(rebasing: plane[..<min(plane.count, 1 << 14)])
        let head = unsafe UnsafeRawBufferPointer(rebasing: sample[..<min(sample.count, 1 << 12)])
        let bits = unsafe Entropy.bits(of: head)
        // Exponents have no repeats worth a search, unless nearly all are the same.
        if content == .exponents && bits > 1.25 { return .entropy }
        guard bits < Entropy.noise(sampleSize: head.count) else { return nil }
        // A config or a template is short and worth the little time that the best costs.
        let isShortFile = content == .bytes && plane.count <= 1 << 16
        let level: Effort = .level(compression == .fast ? 1 : isShortFile ? 19 : 3)
        let buffer = unsafe trial.bytes(sample.count)
        let byMatches = unsafe zstd.encode(sample, into: buffer, effort: level) ?? Int.max
        let byEntropy = unsafe zstd.encode(sample, into: buffer, effort: .entropy) ?? Int.max
        // Where they are about equal, matches pay off as soon as the rest of the plane is like the sample.
        return byEntropy < byMatches - 16 ? .entropy : level
    }

    private func proveDecode(_ frame: UnsafeRawBufferPointer, is plane: UnsafeRawBufferPointer) throws(Failure) {
        let decoded = unsafe proof.bytes(plane.count)
        try unsafe decoder.decode(frame, into: decoded)
        try unsafe prove(UnsafeRawBufferPointer(decoded), plane)
    }

    private func proveJoin(
        _ planes: UnsafeRawBufferPointer, is chunk: UnsafeRawBufferPointer, filter: Filter, dtype: DType
    ) throws(Failure) {
        let joined = unsafe proof.bytes(chunk.count)
        unsafe Planes.join(planes, filter: filter, dtype: dtype, into: joined)
        try unsafe prove(UnsafeRawBufferPointer(joined), chunk)
    }

    private func prove(_ result: UnsafeRawBufferPointer, _ original: UnsafeRawBufferPointer) throws(Failure) {
        guard result.count == original.count, let a = result.baseAddress, let b = original.baseAddress,
            unsafe memcmp(a, b, original.count) == 0
        else {
            throw Failure(
                .internal, "encoded data did not decode to what was given",
                hint: "nothing was written; please report this with the file at hand")
        }
    }
}

/// What a plane holds, as far as its encoding cares.
private enum PlaneContent {
    case exponents
    /// Of a tensor of bytes: mostly text.
    case bytes
    case other
}

/// Runs of elements that each want their own code.
enum Segments {
    /// Below this the table of a code costs more than it gains.
    private static let least = 4096

    /// Ends of segments, in elements, without those that come too soon after the one before.
    static func merged(_ ends: [Int]) -> [Int] {
        var merged: [Int] = []
        for end in ends where end - (merged.last ?? 0) >= least { merged.append(end) }
        return merged
    }
}

/// How far a plane is from noise.
enum Entropy {
    /// Bits per byte by the frequencies of the byte values.
    static func bits(of bytes: UnsafeRawBufferPointer) -> Double {
        guard bytes.count > 0 else { return 0 }
        var counts = [UInt32](repeating: 0, count: 256)
        unsafe tenon_histogram(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &counts)
        // −Σ p·log2(p) with p = c/n is log2(n) − Σ c·log2(c) / n.
        var sum = 0.0
        for count in counts { sum += Int(count) < products.count ? products[Int(count)] : product(Double(count)) }
        return log2(Double(bytes.count)) - sum / Double(bytes.count)
    }

    private static func product(_ count: Double) -> Double { count > 0 ? count * log2(count) : 0 }

    /// `c·log2(c)` for the counts that samples have: logarithms would cost small tensors more than their coding.
    private static let products = (0...1024).map { product(Double($0)) }

    /// Below this a sample is worth a compressor's time: what even noise falls short of eight bits by chance (about
    /// 255 / 2n ln 2), and a little more.
    static func noise(sampleSize: Int) -> Double {
        8 - 255 / (2 * Double(sampleSize) * 0.6931471805599453) - 0.12
    }
}
