package import Diagnostics
import Digests

/// The first 64 bytes of a container.
package struct Header: Hashable, Sendable {
    /// 89 'T' 'N' 'N' CR LF 1A LF: a high bit, line ends and an end-of-text mark, so that text-mode damage shows.
    package static let magic: [UInt8] = [0x89, 0x54, 0x4E, 0x4E, 0x0D, 0x0A, 0x1A, 0x0A]
    /// 0 is the draft: files of one draft are not promised to be read by the next.
    package static let major: UInt16 = 0
    package static let minor: UInt16 = 1

    /// Features a reader must know to read the file at all.
    package var incompatible: UInt64 = 0
    /// Features a reader may ignore.
    package var compatible: UInt64 = 0
    /// Large verbatim tensors begin on multiples of 2^6 or 2^12.
    package var alignLog2: UInt8 = 6

    package init() {}

    package var alignment: Int { 1 << Int(alignLog2) }

    package func serialized() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.integer(Self.major)
        writer.integer(Self.minor)
        writer.integer(UInt32(Limits.headerSize))
        writer.integer(incompatible)
        writer.integer(compatible)
        writer.append([alignLog2, 1, 1])
        writer.zeros(21)
        writer.integer(XXH3.hash(writer.bytes))
        return writer.bytes
    }

    package init(parsing bytes: [UInt8]) throws(Failure) {
        let span = unsafe bytes.span.bytes
        var reader = ByteReader(span)
        let magic = try reader.array(8)
        guard magic == Self.magic else { throw Self.foreign(bytes) }
        let major = try reader.integer(UInt16.self)
        let minor = try reader.integer(UInt16.self)
        guard major == Self.major, minor == Self.minor else {
            throw Failure(
                .badVersion, "this version of the format is not known here", offset: 8,
                expected: "\(Self.major).\(Self.minor)", actual: "\(major).\(minor)",
                hint: major.byteSwapped == Self.major + 1 || major > 255
                    ? "the bytes may have been swapped on a big-endian machine"
                    : "use the version of tenon that wrote it")
        }
        let size = try reader.integer(UInt32.self)
        guard size == Limits.headerSize else {
            throw Failure(
                .headerTrailerMismatch, "the header states a wrong size", offset: 12, expected: "\(Limits.headerSize)",
                actual: "\(size)")
        }
        guard XXH3.hash(Array(bytes[..<56])) == Self.checksum(of: bytes) else {
            throw Failure(.headerCorrupt, "the header is damaged: its checksum does not match", offset: 56)
        }
        incompatible = try reader.integer()
        if incompatible != 0 {
            throw Failure(
                .unsupportedFeature, "the file needs feature bit \(incompatible.trailingZeroBitCount), unknown here",
                offset: 16, hint: "use a newer tenon")
        }
        compatible = try reader.integer()
        alignLog2 = try reader.integer()
        let digestAlgorithm = try reader.integer(UInt8.self)
        let checkAlgorithm = try reader.integer(UInt8.self)
        guard alignLog2 == 6 || alignLog2 == 12, digestAlgorithm == 1, checkAlgorithm == 1 else {
            throw Failure(.unknownEnum, "the header names an alignment, digest or checksum unknown here", offset: 32)
        }
        try reader.zeros(21)
    }

    /// The checksum that the last eight bytes state.
    package static func checksum(of bytes: [UInt8]) -> UInt64 {
        bytes[56..<64].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// What bytes that do not begin with the magic seem to be.
    private static func foreign(_ bytes: [UInt8]) -> Failure {
        let text =
            bytes.prefix(4) == [0x89, 0x54, 0x4E, 0x4E] || bytes.prefix(3) == [0x54, 0x4E, 0x4E]
            || bytes.prefix(4) == [0x09, 0x54, 0x4E, 0x4E]
        if text {
            return Failure(
                .textModeDamage, "the file was changed by a transfer in text mode", offset: 0,
                hint: "copy it again in binary mode")
        }
        let known: [(String, [UInt8])] = [
            ("a zip archive (a torch .bin file is one)", [0x50, 0x4B, 0x03, 0x04]),
            ("a GGUF file", [0x47, 0x47, 0x55, 0x46]), ("a pickle", [0x80, 0x02]), ("a gzip file", [0x1F, 0x8B]),
            ("a zstd file", [0x28, 0xB5, 0x2F, 0xFD]), ("a PDF", [0x25, 0x50, 0x44, 0x46]),
        ]
        let guess =
            known.first { bytes.starts(with: $0.1) }?.0
            ?? (bytes.count > 8 && bytes[8] == UInt8(ascii: "{") ? "a safetensors file" : nil)
        return Failure(
            .notThisFormat, "this is no .tenon file" + (guess.map { ": it looks like \($0)" } ?? ""), offset: 0)
    }
}
