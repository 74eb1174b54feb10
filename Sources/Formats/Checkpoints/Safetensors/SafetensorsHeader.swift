package import Diagnostics
package import Files
import JSON

/// What stands before the tensors in a safetensors file: eight bytes with the length of the rest, little-endian, and a
/// JSON object padded with spaces.
///
/// Parsing it checks every rule of the format, so that whoever has one may trust its ranges: they lie in the file, they
/// cover its data without holes or overlaps, and each is as long as its shape and type ask.
package struct SafetensorsHeader: Sendable {
    /// The most bytes that the JSON text may have, padding included.
    package static let maximumByteCount = 100_000_000
    /// The most dimensions of a tensor; numpy has no more either.
    package static let maximumRank = 64
    static let lengthByteCount = 8
    static let metadataKey = "__metadata__"

    /// The first bytes of the file as they are: length, text and padding.
    package let bytes: [UInt8]
    /// In the order of the text.
    package let tensors: [SafetensorsTensor]
    /// Indices into ``tensors``, in the order in which their bytes lie in the file.
    package let offsetOrder: [Int]
    /// The entries of `__metadata__` in the order of the text; nil where there is none.
    package let metadata: [(key: String, value: String)]?
    /// How large the file is.
    package let fileByteCount: Int
    private let indices: [ExactKey: Int]

    /// Where the bytes of the tensors begin in the file.
    package var byteCount: Int { bytes.count }

    /// How many bytes all tensors have.
    package var dataByteCount: Int { fileByteCount - byteCount }

    /// Checks a header of its own.
    ///
    /// Throws ``Failure/Code/baseInvalid`` for a broken rule, with the byte at fault and the tensor, and the codes of
    /// ``JSONScanner`` where the text is no JSON or a number in it no integer.
    ///
    /// - Parameters:
    ///   - bytes: The first bytes of the file, length included, as many as that says.
    ///   - fileByteCount: How large the file is.
    ///   - path: The file, for failures.
    package init(parsing bytes: [UInt8], fileByteCount: Int, path: String? = nil) throws(Failure) {
        let length = try Self.textByteCount(bytes, fileByteCount: fileByteCount, path: path)
        guard bytes.count == Self.lengthByteCount + length else {
            throw Failure(
                .baseInvalid, "the header is not as long as it says", offset: 0, path: path,
                expected: "\(length) bytes", actual: "\(bytes.count - Self.lengthByteCount)")
        }
        var parser = SafetensorsHeaderParser(headerByteCount: bytes.count, fileByteCount: fileByteCount, path: path)
        try parser.parse(bytes)
        offsetOrder = try parser.checkedOffsetOrder()
        tensors = parser.tensors
        metadata = parser.metadata
        var indices: [ExactKey: Int] = [:]
        indices.reserveCapacity(tensors.count)
        for (index, tensor) in tensors.enumerated() { indices[ExactKey(tensor.name)] = index }
        self.indices = indices
        self.bytes = bytes
        self.fileByteCount = fileByteCount
    }

    /// Reads and checks the header of a file; throws as ``init(parsing:fileByteCount:path:)`` and the file do.
    package init(of file: any FileContent) throws(Failure) {
        let prefix = try file.read(at: 0, count: min(Self.lengthByteCount, file.size))
        let length = try Self.textByteCount(prefix, fileByteCount: file.size, path: file.path)
        try self.init(
            parsing: file.read(at: 0, count: Self.lengthByteCount + length), fileByteCount: file.size, path: file.path)
    }

    /// The index in ``tensors`` of the tensor with exactly this name.
    package func index(of name: String) -> Int? { indices[ExactKey(name)] }

    /// The length that the first eight bytes give, after checking that the file can have a header that long.
    private static func textByteCount(_ prefix: [UInt8], fileByteCount: Int, path: String?) throws(Failure) -> Int {
        guard prefix.count >= lengthByteCount, fileByteCount >= lengthByteCount else {
            throw Failure(
                .baseInvalid, "too short for a safetensors file", offset: UInt64(min(prefix.count, fileByteCount)),
                path: path, expected: "at least \(lengthByteCount) bytes", actual: "\(min(prefix.count, fileByteCount))"
            )
        }
        let length = prefix[..<lengthByteCount].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= maximumByteCount else {
            throw Failure(
                .baseInvalid, "the header is too long", offset: 0, path: path,
                expected: "at most \(maximumByteCount) bytes", actual: "\(length)",
                hint: "perhaps this is no safetensors file")
        }
        guard length <= fileByteCount - lengthByteCount else {
            throw Failure(
                .baseInvalid, "the file ends within its header", offset: 0, path: path,
                expected: "a header of \(length) bytes", actual: "\(fileByteCount - lengthByteCount)",
                hint: "perhaps the download was cut short")
        }
        return Int(length)
    }
}
