import Diagnostics
import JSON
import Tensors

/// Reads the JSON text of a header and holds what it finds against the rules of the format.
struct SafetensorsHeaderParser {
    let headerByteCount: Int
    let fileByteCount: Int
    let path: String?
    private(set) var tensors: [SafetensorsTensor] = []
    private(set) var metadata: [(key: String, value: String)]?
    /// Where the text gives each tensor's range, for failures.
    private var places: [UInt64] = []

    init(headerByteCount: Int, fileByteCount: Int, path: String?) {
        self.headerByteCount = headerByteCount
        self.fileByteCount = fileByteCount
        self.path = path
    }

    private var dataByteCount: Int { fileByteCount - headerByteCount }

    // MARK: The text

    mutating func parse(_ bytes: [UInt8]) throws(Failure) {
        let start = SafetensorsHeader.lengthByteCount
        guard bytes.count > start, bytes[start] == UInt8(ascii: "{") else {
            throw invalid("the header does not begin with '{'", at: UInt64(start))
        }
        let text = unsafe bytes.span.bytes.extracting(droppingFirst: start)
        var scanner = try JSONScanner(
            text, path: path, origin: UInt64(start), limit: SafetensorsHeader.maximumByteCount, mismatch: .baseInvalid)
        try scanner.beginObject()
        while let name = try scanner.nextKey() {
            do throws(Failure) {
                if name == SafetensorsHeader.metadataKey {
                    metadata = try parseMetadata(&scanner)
                } else {
                    try parseTensor(name, &scanner)
                }
            } catch {
                throw error.on(name)
            }
        }
        try scanner.end()
        if let last = bytes.lastIndex(where: { $0 != UInt8(ascii: " ") }), bytes[last] != UInt8(ascii: "}") {
            throw invalid("the header is padded with something else than spaces", at: UInt64(last))
        }
    }

    private func parseMetadata(_ scanner: inout JSONScanner) throws(Failure) -> [(key: String, value: String)] {
        var entries: [(key: String, value: String)] = []
        try scanner.beginObject()
        while let key = try scanner.nextKey() { entries.append((key, try scanner.string())) }
        return entries
    }

    private mutating func parseTensor(_ name: String, _ scanner: inout JSONScanner) throws(Failure) {
        var dtype: DType?
        var shape: Shape?
        var range: Range<Int>?
        var place: UInt64 = 0
        let start = scanner.offset
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "dtype": dtype = try parseDType(&scanner)
            case "shape": shape = try parseShape(&scanner)
            case "data_offsets":
                place = scanner.offset
                range = try parseRange(&scanner)
            default:
                throw invalid("the header describes the tensor by an unknown key", at: scanner.offset, actual: key)
            }
        }
        guard let dtype, let shape, let range else {
            let missing = dtype == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw invalid("the header does not give the tensor's \(missing)", at: start)
        }
        let byteCount: Int
        do throws(Failure) {
            byteCount = try shape.byteCount(dtype)
        } catch {
            throw invalid(error.what, at: start)
        }
        guard range.count == byteCount else {
            throw invalid(
                "the tensor's range does not fit its shape", at: place,
                expected: "\(byteCount) bytes for \(shape) of \(dtype.name)", actual: "\(range.count)")
        }
        tensors.append(SafetensorsTensor(name: name, dtype: dtype, shape: shape, range: range))
        places.append(place)
    }

    private func parseDType(_ scanner: inout JSONScanner) throws(Failure) -> DType {
        let place = scanner.offset
        let name = try scanner.string()
        guard let dtype = DType(safetensorsName: name) else {
            throw invalid("the tensor is of an unknown type", at: place, actual: name)
        }
        return dtype
    }

    private func parseShape(_ scanner: inout JSONScanner) throws(Failure) -> Shape {
        var dimensions: [Int] = []
        let place = scanner.offset
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard dimensions.count < SafetensorsHeader.maximumRank else {
                throw invalid(
                    "the tensor has too many dimensions", at: place,
                    expected: "at most \(SafetensorsHeader.maximumRank)")
            }
            dimensions.append(try scanner.integer())
        }
        return Shape(dimensions)
    }

    /// The range in the file; the text counts from the end of the header.
    private func parseRange(_ scanner: inout JSONScanner) throws(Failure) -> Range<Int> {
        let place = scanner.offset
        var bounds: (Int, Int) = (0, 0)
        var count = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            let bound = try scanner.integer()
            if count == 0 { bounds.0 = bound } else { bounds.1 = bound }
            count += 1
            if count > 2 { break }
        }
        guard count == 2 else {
            throw invalid("a tensor's range has two offsets", at: place, actual: count > 2 ? "more" : "\(count)")
        }
        guard bounds.0 <= bounds.1 else {
            throw invalid("a tensor's range ends before it begins", at: place, actual: "[\(bounds.0), \(bounds.1)]")
        }
        guard bounds.1 <= dataByteCount else {
            throw invalid(
                "a tensor's range reaches beyond the file", at: place, expected: "at most \(dataByteCount)",
                actual: "\(bounds.1)")
        }
        return headerByteCount + bounds.0..<headerByteCount + bounds.1
    }

    // MARK: The whole

    /// The tensors in the order of their bytes, after checking that these cover the data exactly.
    func checkedOffsetOrder() throws(Failure) -> [Int] {
        let order = tensors.indices.sorted { a, b in
            (tensors[a].range.lowerBound, tensors[a].range.upperBound, a)
                < (tensors[b].range.lowerBound, tensors[b].range.upperBound, b)
        }
        var end = headerByteCount
        for index in order {
            let range = tensors[index].range
            guard range.lowerBound == end else {
                throw invalid(
                    range.lowerBound < end
                        ? "the tensor overlaps the one before it" : "there is a hole before the tensor",
                    at: places[index], expected: "the range to begin at \(end - headerByteCount)",
                    actual: "\(range.lowerBound - headerByteCount)"
                ).on(tensors[index].name)
            }
            end = range.upperBound
        }
        guard end == fileByteCount else {
            throw invalid(
                "the file goes on after its last tensor", at: UInt64(end), expected: "\(end) bytes",
                actual: "\(fileByteCount)")
        }
        return order
    }

    private func invalid(
        _ what: String, at offset: UInt64, expected: String? = nil, actual: String? = nil
    ) -> Failure {
        Failure(.baseInvalid, what, offset: offset, path: path, expected: expected, actual: actual)
    }
}
