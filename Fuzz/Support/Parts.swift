import CZstd
package import DeltaFormat
import Diagnostics
import Digests
import Tensors

/// What a container is made of, as the fuzzer changes it: everything but header, trailer and checksums, which
/// ``container()`` adds, so that no check of integrity stands between the fuzzer and what lies behind it.
///
/// Written as: a byte of flags, the length of the index in three bytes, the index, the data.
package struct Parts {
    package var isAlignedToPages: Bool
    package var index: [UInt8]
    package var data: [UInt8]

    /// Containers whose data would be longer are left as they are.
    private static let dataLimit = 1 << 20
    private static let decoder = Decoder()

    package init(isAlignedToPages: Bool, index: [UInt8], data: [UInt8]) {
        self.isAlignedToPages = isAlignedToPages
        self.index = index
        self.data = data
    }

    /// Any bytes are parts.
    package init(_ bytes: [UInt8]) {
        let head = bytes.prefix(4) + [0, 0, 0, 0]
        isAlignedToPages = head[0] & 1 == 1
        let count = Int(head[1]) | Int(head[2]) << 8 | Int(head[3]) << 16
        index = Array(bytes.dropFirst(4).prefix(count))
        data = Array(bytes.dropFirst(4 + count))
    }

    package var bytes: [UInt8] {
        let count = index.count
        let head = [isAlignedToPages ? 1 : 0, count & 0xFF, count >> 8 & 0xFF, count >> 16 & 0xFF]
        return head.map { UInt8($0) } + index + data
    }

    private var header: Header {
        var header = Header()
        header.alignLog2 = isAlignedToPages ? 12 : 6
        return header
    }

    /// The index and where it puts everything, if it can be read and the data are not too long.
    package func layout() -> (index: Index, layout: Layout)? {
        guard let index = try? Index(parsing: unsafe self.index.span.bytes, offset: 0),
            let layout = try? Layout(index, alignment: header.alignment), layout.indexOffset <= Self.dataLimit
        else { return nil }
        return (index, layout)
    }

    /// Fits the data to the index, clears the gaps and corrects the checks of all planes.
    package mutating func repairPlanes() {
        guard case (var index, let layout)? = layout() else { return }
        let length = layout.indexOffset - Limits.headerSize
        data = Array(data.prefix(length)) + [UInt8](repeating: 0, count: max(0, length - data.count))
        for gap in layout.gaps(index) {
            for place in gap { data[place - Limits.headerSize] = 0 }
        }
        for (number, tensor) in layout.tensors.enumerated() {
            for chunk in 0..<tensor.chunkCount {
                let (byteCount, first) = layout.chunk(chunk, of: number)
                let record = index.tensors[number]
                for plane in 0..<tensor.planeCount {
                    let rawCount = record.filter.planeBytes(plane, of: byteCount, dtype: record.dtype)
                    repair(&index.planes[first + plane], at: layout.planeOffsets[first + plane], rawCount: rawCount)
                }
            }
        }
        self.index = index.serialized()
    }

    private func repair(_ plane: inout PlaneRecord, at offset: Int, rawCount: Int) {
        let start = offset - Limits.headerSize
        let stored = Array(data[start..<start + plane.storedBytes])
        plane.storedCheck = XXH3.hash(stored)
        plane.rawCheck = plane.storedCheck
        guard plane.codec != .raw, rawCount <= Self.dataLimit else { return }
        var raw = [UInt8](repeating: 0, count: rawCount)
        let isDecoded =
            switch plane.codec {
            case .zstd:
                unsafe ZSTD_decompressDCtx(Self.decoder.context, &raw, rawCount, stored, stored.count) == rawCount
            default:
                unsafe raw.withUnsafeMutableBytes { raw in
                    unsafe stored.withUnsafeBytes { stored in
                        var decoder = EntropyDecoder()
                        return unsafe (try? decoder.decode(stored, into: raw)) != nil
                    }
                }
            }
        if isDecoded { plane.rawCheck = XXH3.hash(raw) }
    }

    /// Corrects the digest of every small tensor that `container`, made of these parts, can read.
    package mutating func repairDigests(_ container: Container) {
        var index = container.index
        for number in index.tensors.indices where container.layout.tensors[number].byteCount <= Self.dataLimit {
            guard let bytes = try? container.source(number).readAll() else { continue }
            index.tensors[number].digest = TensorDigest.data(bytes)
        }
        self.index = index.serialized()
    }

    /// The container, complete with every sum and digest that its own parts allow.
    package func container() -> [UInt8] {
        let header = self.header.serialized()
        var bytes = header + data
        bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
        let indexOffset = bytes.count
        bytes += index
        bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
        let parsed = layout()
        let isSound = parsed.map { (try? $0.index.validate()) != nil } ?? false
        let trailer = Trailer(
            indexOffset: UInt64(indexOffset), indexSize: UInt64(index.count),
            fileSize: UInt64(bytes.count + Limits.trailerSize), headerChecksum: Header.checksum(of: header),
            indexDigest: SHA256.hash(header + index),
            contentDigest: isSound ? parsed?.index.contentDigest() ?? .zero : .zero,
            logicalBytes: UInt64(parsed?.layout.logicalBytes ?? 0))
        return bytes + trailer.serialized()
    }
}

/// One decompression context for all runs; to make one takes longer than a run.
@safe
private final class Decoder: @unchecked Sendable {
    let context = unsafe ZSTD_createDCtx()
}
