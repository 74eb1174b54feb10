import Diagnostics
import Digests
import Tensors

/// Decodes chunks on one lane.
@safe
final class ChunkDecoder: @unchecked Sendable {
    private let zstd: ZstdDecoder
    private var entropy = EntropyDecoder()
    private let stored = ScratchBuffer()
    private let planes = ScratchBuffer()
    let partial = ScratchBuffer()

    init() throws(Failure) {
        zstd = try ZstdDecoder()
    }

    /// Room for the stored bytes of a chunk.
    func storedBytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe stored.bytes(count)
    }

    /// Decodes the planes that `records` describe, which lie one after the other in `source`, into `chunk`.
    ///
    /// Each plane's stored bytes are checked before a decoder sees them, and its raw bytes after.
    func decode(
        _ source: UnsafeRawBufferPointer, records: ArraySlice<PlaneRecord>, filter: Filter, dtype: DType,
        into chunk: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        let joined = unsafe filter == .none ? chunk : planes.bytes(chunk.count)
        var rest: UnsafeRawBufferPointer?
        var position = 0
        var start = 0
        for (number, record) in records.enumerated() {
            let length = filter.planeBytes(number, of: chunk.count, dtype: dtype)
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: source[position..<position + record.storedBytes])
            let plane = unsafe UnsafeMutableRawBufferPointer(rebasing: joined[start..<start + length])
            guard unsafe XXH3.hash(bytes.bytes) == record.storedCheck else {
                throw Failure(
                    .chunkCorrupt, "the stored bytes of plane \(number) are damaged: their checksum does not match",
                    hint: "get the file again")
            }
            switch record.codec {
            case .raw where filter == .exponent && number == 1:
                // Most of a tensor of floats: joined from where it lies.
                unsafe rest = bytes
            case .raw:
                if unsafe bytes.baseAddress != UnsafeRawPointer(plane.baseAddress) {
                    unsafe plane.copyMemory(from: bytes)
                }
            case .zstd: try unsafe zstd.decode(bytes, into: plane)
            case .entropy: try unsafe entropy.decode(bytes, into: plane)
            }
            if record.codec != .raw {
                guard unsafe XXH3.hash(UnsafeRawBufferPointer(plane).bytes) == record.rawCheck else {
                    throw Failure(.decodeMismatch, "plane \(number) does not decode to what was written")
                }
            }
            position += record.storedBytes
            start += length
        }
        if filter != .none {
            unsafe Planes.join(UnsafeRawBufferPointer(joined), rest: rest, filter: filter, dtype: dtype, into: chunk)
        }
    }
}
