import Diagnostics
import Digests
import Files

/// The two ends of a container: read, checked against each other and against the file, before the index is parsed.
struct Tail {
    let header: Header
    let trailer: Trailer
    private let headerBytes: [UInt8]
    private let bytes: [UInt8]
    private let start: Int
    private let file: InputFile

    /// Most files have trailer and index in this much.
    private static let firstRead = 64 << 10

    init(_ file: InputFile) throws(Failure) {
        self.file = file
        let size = file.size
        guard size >= Limits.headerSize + Limits.trailerSize else {
            throw Failure(
                .truncated, "the file is too short to be a container",
                expected: "\(Limits.headerSize + Limits.trailerSize) bytes or more", actual: "\(size)")
        }
        headerBytes = try file.read(at: 0, count: Limits.headerSize)
        guard headerBytes.starts(with: Header.magic) else {
            _ = try Header(parsing: headerBytes)
            throw Failure(.internal, "a header without its magic was accepted")
        }
        start = max(0, size - Self.firstRead)
        bytes = try file.read(at: start, count: size - start)
        trailer = try Self.trailer(in: bytes, start: start)
        header = try Header(parsing: headerBytes)
        guard Header.checksum(of: headerBytes) == trailer.headerChecksum else {
            throw Failure(
                .headerTrailerMismatch, "header and trailer are of different files",
                offset: UInt64(size - Limits.trailerSize))
        }
        guard trailer.fileSize == UInt64(size) else {
            throw Failure(
                .sizeMismatch, "the file has not the size that its trailer states",
                expected: "\(trailer.fileSize) bytes",
                actual: "\(size)")
        }
    }

    private static func trailer(in bytes: [UInt8], start: Int) throws(Failure) -> Trailer {
        let offset = bytes.count - Limits.trailerSize
        do throws(Failure) {
            return try Trailer(parsing: Array(bytes[offset...]), offset: UInt64(start + offset))
        } catch {
            let endMark = Array(Header.magic.reversed())
            guard error.code == .truncated,
                let end = (8...bytes.count - 1).reversed().first(where: { Array(bytes[$0 - 8..<$0]) == endMark })
            else { throw error }
            throw Failure(
                .trailingData, "\(bytes.count - end) bytes follow the container's end", offset: UInt64(start + end))
        }
    }

    /// The index's place is checked before its bytes are read, its digest before they are parsed.
    func parseIndex() throws(Failure) -> Index {
        let data = UInt64(Limits.headerSize)
        let end = UInt64(file.size - Limits.trailerSize)
        guard trailer.indexSize <= UInt64(Limits.indexSize) else {
            throw Failure(
                .indexTooLarge, "the index is larger than allowed", offset: end + 8,
                expected: "at most \(Limits.indexSize) bytes", actual: "\(trailer.indexSize)")
        }
        let (indexEnd, overflow) = trailer.indexOffset.addingReportingOverflow(trailer.indexSize)
        guard !overflow, trailer.indexOffset >= data, indexEnd <= end else {
            throw Failure(
                .indexRange, "the index lies outside the file", offset: end, expected: "within \(data) to \(end)",
                actual: "\(trailer.indexOffset) and \(trailer.indexSize) bytes")
        }
        guard trailer.indexOffset % 8 == 0, end - indexEnd < 8 else {
            throw Failure(
                .indexMisplaced, "the index is not on a multiple of 8 just before the trailer",
                offset: trailer.indexOffset)
        }
        let first = Int(trailer.indexOffset)
        let count = Int(end) - first
        let index =
            first >= start
            ? Array(bytes[(first - start)..<(first - start + count)]) : try file.read(at: first, count: count)
        for (offset, byte) in index[Int(trailer.indexSize)...].enumerated() where byte != 0 {
            throw Failure(
                .paddingNonzero, "a byte between index and trailer is not zero", offset: indexEnd + UInt64(offset))
        }
        var hash = SHA256()
        hash.update(headerBytes)
        let span = unsafe index.span.bytes.extracting(first: Int(trailer.indexSize))
        hash.update(span)
        guard hash.finish() == trailer.indexDigest else {
            throw Failure(
                .indexCorrupt, "the index is damaged: its digest does not match", offset: trailer.indexOffset,
                hint: "get the file again")
        }
        return try Index(parsing: span, offset: trailer.indexOffset)
    }
}
