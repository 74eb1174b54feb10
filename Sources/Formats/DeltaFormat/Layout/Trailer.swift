package import Diagnostics
package import Digests

/// The last 128 bytes of a container: where the index lies and what everything hashes to.
package struct Trailer: Hashable, Sendable {
    package var indexOffset: UInt64
    package var indexSize: UInt64
    package var fileSize: UInt64
    /// The header's checksum once more, so that halves of two files do not pass for one.
    package var headerChecksum: UInt64
    /// SHA-256 of the header and the index: it commits to every tensor's digest.
    package var indexDigest: Digest
    /// What the delta does, whatever its compression and layout.
    package var contentDigest: Digest
    package var logicalBytes: UInt64

    /// How much of the file is neither header, index, trailer nor the zeros before the index and after it.
    package var dataBytes: Int { Int(indexOffset) - Limits.headerSize }

    package init(
        indexOffset: UInt64, indexSize: UInt64, fileSize: UInt64, headerChecksum: UInt64, indexDigest: Digest,
        contentDigest: Digest, logicalBytes: UInt64
    ) {
        self.indexOffset = indexOffset
        self.indexSize = indexSize
        self.fileSize = fileSize
        self.headerChecksum = headerChecksum
        self.indexDigest = indexDigest
        self.contentDigest = contentDigest
        self.logicalBytes = logicalBytes
    }

    package func serialized() -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(indexOffset)
        writer.integer(indexSize)
        writer.integer(fileSize)
        writer.integer(headerChecksum)
        writer.append(indexDigest.bytes)
        writer.append(contentDigest.bytes)
        writer.integer(logicalBytes)
        writer.integer(UInt32(Limits.trailerSize))
        writer.zeros(4)
        writer.integer(XXH3.hash(writer.bytes))
        writer.append(Header.magic.reversed())
        return writer.bytes
    }

    /// `bytes` are the last 128 of a file; `offset` is where they begin in it.
    package init(parsing bytes: [UInt8], offset: UInt64) throws(Failure) {
        guard Array(bytes[120...]) == Header.magic.reversed() else {
            throw Self.unfinished(bytes, offset: offset)
        }
        let span = unsafe bytes.span.bytes
        var reader = ByteReader(span, origin: offset)
        indexOffset = try reader.integer()
        indexSize = try reader.integer()
        fileSize = try reader.integer()
        headerChecksum = try reader.integer()
        indexDigest = Digest(try reader.array(32))
        contentDigest = Digest(try reader.array(32))
        logicalBytes = try reader.integer()
        let size = try reader.integer(UInt32.self)
        let reserved = reader.offset
        let isReservedZero = try reader.integer(UInt32.self) == 0
        let checksum = try reader.integer(UInt64.self)
        guard XXH3.hash(Array(bytes[..<112])) == checksum else {
            throw Failure(.trailerCorrupt, "the trailer is damaged: its checksum does not match", offset: offset)
        }
        guard size == Limits.trailerSize else {
            throw Failure(
                .headerTrailerMismatch, "the trailer states a wrong size", offset: offset + 104,
                expected: "\(Limits.trailerSize)", actual: "\(size)")
        }
        guard isReservedZero else {
            throw Failure(.reservedNonzero, "a reserved byte is not zero", offset: reserved)
        }
    }

    /// No end mark: the file was cut, or something was put behind it.
    private static func unfinished(_ bytes: [UInt8], offset: UInt64) -> Failure {
        Failure(
            .truncated, "the file is cut short: its end mark is missing", offset: offset + UInt64(bytes.count),
            hint: "copy or download it again")
    }
}
