import Adapters
package import Diagnostics
import Digests
import Tensors

/// The counts that begin an index; they determine where every table lies.
private struct Counts {
    let bases, entries, leaves, shapes, dimensions, tensors, planes, codedPlanes: Int
    let parameters, parameterBytes, strings, stringBytes, metadata, extensions, extensionBytes: Int

    init(from reader: inout ByteReader) throws(Failure) {
        func count(_ what: String, atMost limit: Int, from reader: inout ByteReader) throws(Failure) -> Int {
            let offset = reader.offset
            let count = try reader.count()
            guard count <= limit else {
                throw Failure(
                    .limit, "the index has more \(what) than allowed", offset: offset, expected: "at most \(limit)",
                    actual: "\(count)")
            }
            return count
        }
        bases = try count("bases", atMost: Limits.bases, from: &reader)
        entries = try count("entries", atMost: Limits.entries, from: &reader)
        leaves = try count("leaves", atMost: Limits.entries * 2, from: &reader)
        shapes = try count("shapes", atMost: Limits.tensors, from: &reader)
        dimensions = try count("dimensions", atMost: Limits.tensors * Limits.rank, from: &reader)
        tensors = try count("tensors", atMost: Limits.tensors, from: &reader)
        planes = try count("planes", atMost: Limits.planes, from: &reader)
        codedPlanes = try count("coded planes", atMost: Limits.planes, from: &reader)
        parameters = try count("parameter sets", atMost: Limits.parameterSets, from: &reader)
        parameterBytes = try count("parameter bytes", atMost: Limits.indexSize, from: &reader)
        strings = try count("strings", atMost: Limits.strings, from: &reader)
        stringBytes = try count("string bytes", atMost: Limits.stringBytes, from: &reader)
        metadata = try count("metadata pairs", atMost: Limits.metadata, from: &reader)
        extensions = try count("extensions", atMost: Limits.extensions, from: &reader)
        extensionBytes = try count("extension bytes", atMost: Limits.indexSize, from: &reader)
    }

    /// No count exceeds 2^26 and no record 96 bytes, so the sum fits.
    var indexSize: Int {
        let owners = Index.countsSize + bases * 96 + entries * 16 + leaves * 32
        let data = shapes + dimensions * 8 + tensors * 40 + planes * 12 + codedPlanes * 8
        return owners + data + parameters * 4 + parameterBytes + strings * 4 + stringBytes + metadata * 8
            + extensionBytes
    }
}

extension Index {
    /// Parses the tables and checks whatever can be checked of each by itself: ``validate()`` does the rest.
    /// `offset` is where the index begins in its file.
    package init(parsing bytes: RawSpan, offset: UInt64) throws(Failure) {
        var reader = ByteReader(bytes, origin: offset)
        let counts = try Counts(from: &reader)
        method = try reader.integer()
        record = try reader.integer()
        guard counts.indexSize == bytes.byteCount else {
            throw Failure(
                .indexInconsistent, "the counts of the index do not add up to its size", offset: offset,
                expected: "\(counts.indexSize) bytes", actual: "\(bytes.byteCount)")
        }
        bases = try Self.table(counts.bases) { () throws(Failure) in try Self.base(from: &reader) }
        entries = try Self.table(counts.entries) { () throws(Failure) in try Self.entry(from: &reader) }
        leaves = try Self.table(counts.leaves) { () throws(Failure) in Digest(try reader.array(32)) }
        let shapes = try ShapeTable.shapes(counts.shapes, dimensions: counts.dimensions, from: &reader)
        var isUsed = [Bool](repeating: false, count: shapes.count)
        tensors = try Self.table(counts.tensors) { () throws(Failure) in
            try Self.tensor(shapes: shapes, isUsed: &isUsed, from: &reader)
        }
        if let unused = isUsed.firstIndex(of: false) {
            throw Failure(.notCanonical, "a shape is never referred to", object: "\(shapes[unused])")
        }
        planes = try Self.planes(counts.planes, coded: counts.codedPlanes, from: &reader)
        parameters = try Self.parameters(counts.parameters, byteCount: counts.parameterBytes, from: &reader)
        strings = try StringTable.strings(counts.strings, byteCount: counts.stringBytes, from: &reader)
        metadata = try Self.table(counts.metadata) { () throws(Failure) in
            MetadataRecord(key: try reader.integer(), value: try reader.integer())
        }
        extensions = try Self.extensions(counts.extensions, byteCount: counts.extensionBytes, from: &reader)
    }

    private static func table<Record>(_ count: Int, _ next: () throws(Failure) -> Record) throws(Failure) -> [Record] {
        var records: [Record] = []
        records.reserveCapacity(count)
        for _ in 0..<count { records.append(try next()) }
        return records
    }

    private static func base(from reader: inout ByteReader) throws(Failure) -> BaseRecord {
        let record = BaseRecord(
            root: Digest(try reader.array(32)), headerDigest: Digest(try reader.array(32)),
            tensorCount: try reader.integer(), byteCount: try reader.integer(), sourceFormat: try reader.integer())
        try reader.zeros(12)
        return record
    }

    private static func entry(from reader: inout ByteReader) throws(Failure) -> EntryRecord {
        let offset = reader.offset
        let target = try reader.integer(UInt32.self)
        let parameters = try reader.integer(UInt32.self)
        let kind = Kind(rawValue: try reader.integer())
        let ordinal = try reader.integer(UInt8.self)
        let flags = EntryRecord.Flags(rawValue: try reader.integer())
        let tensorCount = try reader.integer(UInt16.self)
        let base = try reader.integer(UInt16.self)
        guard kind.rawValue != 0 else {
            throw Failure(.unknownEnum, "an entry has the kind 0, which is none", offset: offset + 8)
        }
        guard flags.isSubset(of: .known) else {
            throw Failure(.reservedNonzero, "an entry has a reserved flag set", offset: offset + 11)
        }
        return EntryRecord(
            target: target, kind: kind, ordinal: ordinal, flags: flags, tensorCount: tensorCount, base: base,
            parameters: parameters)
    }

    private static func tensor(
        shapes: [Shape], isUsed: inout [Bool], from reader: inout ByteReader
    ) throws(Failure) -> TensorRecord {
        let offset = reader.offset
        let role = Role(rawValue: try reader.integer())
        let dtypeCode = try reader.integer(UInt8.self)
        let number = try reader.count()
        let cut = try reader.integer(UInt8.self)
        let filterCode = cut & 0xF
        let chunkLog2 = 16 + (cut >> 4)
        guard let dtype = DType(rawValue: dtypeCode) else {
            throw Failure(.unknownEnum, "a tensor has a dtype unknown here", offset: offset + 2, actual: "\(dtypeCode)")
        }
        guard let filter = Filter(rawValue: filterCode) else {
            throw Failure(
                .unknownEnum, "a tensor has a filter unknown here", offset: offset + 7, actual: "\(filterCode)")
        }
        guard number < shapes.count else {
            throw Failure(
                .indexInconsistent, "a tensor has a shape that is not in the index", offset: offset + 3,
                expected: "below \(shapes.count)", actual: "\(number)")
        }
        isUsed[number] = true
        guard filter.applies(to: dtype) else {
            throw Failure(
                .badFilter, "the filter \(filter) does not fit the dtype \(dtype.name)", offset: offset + 7)
        }
        guard Limits.chunkLog2.contains(Int(chunkLog2)) else {
            throw Failure(
                .badBlock, "a tensor's chunk size is out of range", offset: offset + 7, expected: "2^16 to 2^24",
                actual: "2^\(chunkLog2)")
        }
        return TensorRecord(
            role: role, dtype: dtype, filter: filter, chunkLog2: chunkLog2, shape: shapes[number],
            digest: Digest(try reader.array(32)))
    }

    private static func planes(_ count: Int, coded: Int, from reader: inout ByteReader) throws(Failure) -> [PlaneRecord]
    {
        let start = reader.offset
        var planes = try table(count) { () throws(Failure) in
            let offset = reader.offset
            let word = try reader.integer(UInt32.self)
            guard let codec = Codec(rawValue: UInt8(word >> 28)) else {
                throw Failure(.unknownEnum, "a plane has a codec unknown here", offset: offset, actual: "\(word >> 28)")
            }
            let check = try reader.integer(UInt64.self)
            return PlaneRecord(codec: codec, storedBytes: Int(word & 0xFFF_FFFF), storedCheck: check, rawCheck: check)
        }
        guard planes.count(where: { $0.codec != .raw }) == coded else {
            throw Failure(.indexInconsistent, "the count of coded planes is wrong", offset: start)
        }
        for index in planes.indices where planes[index].codec != .raw { planes[index].rawCheck = try reader.integer() }
        return planes
    }

    private static func parameters(_ count: Int, byteCount: Int, from reader: inout ByteReader) throws(Failure)
        -> [Parameters]
    {
        let lengths = try table(count) { () throws(Failure) in try reader.count() }
        guard lengths.reduce(0, +) == byteCount else {
            throw Failure(.indexInconsistent, "the parameters' lengths do not add up", offset: reader.offset)
        }
        var previous: [UInt8]?
        var sets: [Parameters] = []
        for length in lengths {
            let offset = reader.offset
            guard length <= Limits.parameterBytes else {
                throw Failure(
                    .limit, "a parameter set is larger than allowed", offset: offset,
                    expected: "at most \(Limits.parameterBytes) bytes", actual: "\(length)")
            }
            let bytes = try reader.array(length)
            if let previous, !previous.lexicographicallyPrecedes(bytes) {
                throw Failure(.notCanonical, "the parameter sets are not sorted and unique", offset: offset)
            }
            previous = bytes
            sets.append(try Parameters(parsing: bytes, offset: offset))
        }
        return sets
    }

    private static func extensions(_ count: Int, byteCount: Int, from reader: inout ByteReader) throws(Failure)
        -> [ExtensionRecord]
    {
        let end = reader.remaining - byteCount
        let records = try table(count) { () throws(Failure) in
            let type = try reader.integer(UInt32.self)
            let length = try reader.count()
            return ExtensionRecord(type: type, bytes: try reader.array(length))
        }
        guard reader.remaining == end else {
            throw Failure(.indexInconsistent, "the extensions do not fill their bytes", offset: reader.offset)
        }
        if let unknown = records.first(where: \.isCritical) {
            throw Failure(
                .unsupportedExtension, "the file needs extension \(unknown.type & 0x7FFF_FFFF), unknown here",
                offset: reader.offset, hint: "use a newer tenon")
        }
        return records
    }
}
