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
    private let zstdDecoder: ZstdDecoder
    private var entropyDecoder = EntropyDecoder()
    private let planes = ScratchBuffer()
    private let trial = ScratchBuffer()
    private let proof = ScratchBuffer()

    init(compression: Compression, verifies: Bool) throws(Failure) {
        self.compression = compression
        self.verifies = verifies
        self.zstd = try ZstdEncoder()
        self.zstdDecoder = try ZstdDecoder()
    }

    /// Appends the planes of one chunk to `target`, which has room for `chunk.count` bytes, and their records to
    /// `records`; returns how many bytes they took. `segments` says where runs of elements end that each want their own
    /// code.
    func encode(
        _ chunk: UnsafeRawBufferPointer, filter: Filter, dtype: DType, segments: [Int] = [],
        into target: UnsafeMutableRawBufferPointer, records: inout [PlaneRecord]
    ) throws(Failure) -> Int {
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
            let found = unsafe segments.isEmpty
                ? compress(plane, content: content, into: room) : compress(plane, segments: segments, into: room)
        else {
            unsafe target.copyMemory(from: plane)
            return PlaneRecord(codec: .raw, storedBytes: plane.count, storedCheck: rawCheck, rawCheck: rawCheck)
        }
        let stored = unsafe UnsafeRawBufferPointer(rebasing: target[..<found.size])
        if verifies { try unsafe proveDecode(stored, by: found.codec, is: plane) }
        return PlaneRecord(
            codec: found.codec, storedBytes: found.size, storedCheck: unsafe XXH3.hash(stored.bytes),
            rawCheck: rawCheck)
    }

    /// How a plane is coded, and in how many bytes.
    private typealias Coded = (codec: Codec, size: Int)

    /// The smallest form that this effort finds, in `room`, which is eight bytes smaller than the plane: raw needs no
    /// second check sum. Nil where the plane is best left raw.
    private func compress(
        _ plane: UnsafeRawBufferPointer, content: PlaneContent, into room: UnsafeMutableRawBufferPointer
    ) -> Coded? {
        guard plane.count > 16 else { return nil }
        if compression == .max {
            var best = unsafe zstd.encode(plane, into: room, effort: .level(19)).map { Coded(.zstd, $0) }
            unsafe improve(&best, in: room, by: .zstd) { unsafe zstd.encode(plane, into: $0, effort: .entropy) }
            unsafe improve(&best, in: room, by: .entropy) {
                unsafe EntropyPlane.encode(plane, ends: Segments.even(plane.count), into: $0)
            }
            return best
        }
        guard let effort = unsafe effort(for: plane, content: content) else { return nil }
        return unsafe zstd.encode(plane, into: room, effort: effort).map { (.zstd, $0) }
    }

    /// The same for a plane in segments: where it is nearly constant, matches reach below a bit a byte; else each segment
    /// has its own entropy code.
    private func compress(
        _ plane: UnsafeRawBufferPointer, segments: [Int], into room: UnsafeMutableRawBufferPointer
    ) -> Coded? {
        guard plane.count > 16 else { return nil }
        var best: Coded?
        if unsafe Entropy.sampledBits(of: plane) < 0.5 {
            let level: Int32 = compression == .max ? 19 : 1
            best = unsafe zstd.encode(plane, into: room, effort: .level(level)).map { (.zstd, $0) }
        } else {
            best = unsafe zstd.encode(plane, segments: Segments.merged(segments), into: room).map { (.zstd, $0) }
        }
        guard compression == .max else { return best }
        unsafe improve(&best, in: room, by: .entropy) {
            unsafe EntropyPlane.encode(plane, ends: segments, into: $0)
        }
        return best
    }

    /// Puts what `encode` makes into `room` if it is smaller than what is there.
    private func improve(
        _ best: inout Coded?, in room: UnsafeMutableRawBufferPointer, by codec: Codec,
        _ encode: (UnsafeMutableRawBufferPointer) -> Int?
    ) {
        let other = unsafe trial.bytes(best.map { $0.size - 1 } ?? room.count)
        guard let size = unsafe encode(other) else { return }
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(other)[..<size]))
        best = (codec, size)
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

    private func proveDecode(
        _ stored: UnsafeRawBufferPointer, by codec: Codec, is plane: UnsafeRawBufferPointer
    ) throws(Failure) {
        let decoded = unsafe proof.bytes(plane.count)
        switch codec {
        case .raw: return
        case .zstd: try unsafe zstdDecoder.decode(stored, into: decoded)
        case .entropy: try unsafe entropyDecoder.decode(stored, into: decoded)
        }
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
