package import Diagnostics
package import Files

/// Where the entries of a zip archive lie, if nothing about it is unusual (PKWARE APPNOTE 6.3).
///
/// Entries are stored as they are, neither compressed nor encrypted; they begin at the file's first byte and do not
/// overlap; local headers agree with the directory; nothing follows the directory but its own end. Checksums are not
/// looked at: torch can be told not to compute them.
package struct ZipArchive {
    /// Where each entry's bytes lie in the file, by name.
    package private(set) var entries: [String: Range<Int>] = [:]

    /// One record of the directory.
    private struct Record {
        var name = ""
        var flags: UInt64 = 0
        var checksum: UInt64 = 0
        var size = 0
        var header = 0
    }

    private static let directoryLimit = 64 << 20
    private static let nameLimit = 1024

    package init(_ file: InputFile) throws(Failure) {
        let (directory, count) = try Self.directory(of: file)
        var cursor = ByteCursor(
            bytes: try file.read(at: directory.lowerBound, count: directory.count), base: directory.lowerBound,
            code: .badArchive)
        var records: [Record] = []
        for _ in 0..<count { records.append(try Self.record(&cursor)) }
        guard cursor.rest == 0 else {
            throw Self.failure("the directory has more than its entries", directory.upperBound)
        }
        records.sort { $0.header < $1.header }
        var end = 0
        for record in records {
            guard record.header >= end, end > 0 || record.header == 0 else {
                throw Self.failure("entries overlap, or do not begin where the file does", record.header, record.name)
            }
            let range = try Self.data(of: record, in: file, before: directory.lowerBound)
            guard entries.updateValue(range, forKey: record.name) == nil else {
                throw Self.failure("two entries have one name", record.header, record.name)
            }
            end = range.upperBound
        }
    }

    private static func failure(_ what: String, _ offset: Int, _ name: String? = nil) -> Failure {
        Failure(.badArchive, what, object: name, offset: UInt64(offset))
    }

    // MARK: Its end

    /// Where the directory lies and how many records it has.
    private static func directory(of file: InputFile) throws(Failure) -> (Range<Int>, count: Int) {
        guard file.size >= 22 else { throw failure("too short for a zip archive", file.size) }
        var place = file.size - 22
        var end = ByteCursor(bytes: try file.read(at: place, count: 22), base: place, code: .badArchive)
        guard try end.number(4) == 0x0605_4B50 else {
            throw failure("the file does not end as a zip archive does; it may be cut short", place)
        }
        guard try end.number(4) == 0, case let count = try end.size(2), try end.size(2) == count,
            case let size = try end.size(4), case let start = try end.size(4), try end.number(2) == 0
        else { throw failure("an archive of several disks, or with a comment", place) }
        var directory = (start: start, size: size, count: count)
        if let wide = try wideEnd(of: file, before: place) {
            guard count == min(wide.count, 0xFFFF) || count == 0xFFFF, size == wide.size || size == 0xFFFF_FFFF,
                start == wide.start || start == 0xFFFF_FFFF
            else { throw failure("the two ends of the directory disagree", place) }
            place = wide.place
            directory = (wide.start, wide.size, wide.count)
        }
        guard directory.start <= place, directory.size == place - directory.start, directory.size <= directoryLimit,
            directory.count <= directory.size / 46
        else { throw failure("the directory is not where its end says", place) }
        return (directory.start..<place, directory.count)
    }

    /// The end record with 64-bit sizes and where it lies, if there is one.
    private static func wideEnd(
        of file: InputFile, before end: Int
    ) throws(Failure) -> (start: Int, size: Int, count: Int, place: Int)? {
        let place = end - 76
        guard place >= 0 else { return nil }
        var locator = ByteCursor(bytes: try file.read(at: end - 20, count: 20), base: end - 20, code: .badArchive)
        guard try locator.number(4) == 0x0706_4B50 else { return nil }
        var cursor = ByteCursor(bytes: try file.read(at: place, count: 56), base: place, code: .badArchive)
        guard try locator.number(4) == 0, try locator.size(8) == place, try locator.number(4) == 1,
            try cursor.number(4) == 0x0606_4B50, try cursor.number(8) == 44, case _ = try cursor.take(4),
            try cursor.number(8) == 0, case let count = try cursor.size(8), try cursor.size(8) == count
        else { throw failure("the 64-bit end of the directory is damaged", place) }
        let size = try cursor.size(8)
        return (try cursor.size(8), size, count, place)
    }

    // MARK: Its entries

    private static func record(_ cursor: inout ByteCursor) throws(Failure) -> Record {
        let place = cursor.base + cursor.place
        guard try cursor.number(4) == 0x0201_4B50 else { throw failure("a record of the directory is damaged", place) }
        var record = Record()
        _ = try cursor.take(4)
        record.flags = try cursor.number(2)
        let method = try cursor.number(2)
        _ = try cursor.take(4)
        record.checksum = try cursor.number(4)
        var stored = try cursor.size(4)
        record.size = try cursor.size(4)
        let lengths = try (cursor.size(2), cursor.size(2), cursor.number(2))
        let disk = try cursor.number(2)
        _ = try cursor.take(6)
        record.header = try cursor.size(4)
        record.name = try cursor.text(lengths.0, limit: nameLimit)
        var extra = ByteCursor(bytes: Array(try cursor.take(lengths.1)), base: place, code: .badArchive)
        while extra.rest > 0 {
            let (kind, length) = try (extra.number(2), extra.size(2))
            var field = ByteCursor(bytes: Array(try extra.take(length)), base: place, code: .badArchive)
            guard kind == 1 else { continue }
            if record.size == 0xFFFF_FFFF { record.size = try field.size(8) }
            if stored == 0xFFFF_FFFF { stored = try field.size(8) }
            if record.header == 0xFFFF_FFFF { record.header = try field.size(8) }
        }
        // Of the flags only "sizes follow the data" and "names are UTF-8" are harmless.
        guard method == 0, stored == record.size, record.flags & ~0x0808 == 0, disk == 0, lengths.2 == 0 else {
            throw failure("the entry is compressed, encrypted, on another disk or has a comment", place, record.name)
        }
        return record
    }

    /// Where the entry's bytes lie, by its local header.
    private static func data(of record: Record, in file: InputFile, before end: Int) throws(Failure) -> Range<Int> {
        let nameLength = record.name.utf8.count
        guard record.header <= end - 30 - nameLength else {
            throw failure("the entry lies outside of the file", record.header, record.name)
        }
        var cursor = ByteCursor(
            bytes: try file.read(at: record.header, count: 30 + nameLength), base: record.header, code: .badArchive)
        let follows = record.flags & 8 != 0
        guard try cursor.number(4) == 0x0403_4B50, case _ = try cursor.take(2), try cursor.number(2) == record.flags,
            try cursor.number(2) == 0, case _ = try cursor.take(4), case let checksum = try cursor.number(4),
            case let sizes = try [cursor.size(4), cursor.size(4)],
            checksum == record.checksum || follows && checksum == 0,
            sizes.allSatisfy({ $0 == record.size || $0 == 0xFFFF_FFFF || follows && $0 == 0 }),
            try cursor.size(2) == nameLength, case let extra = try cursor.size(2),
            try cursor.text(nameLength, limit: nameLimit) == record.name
        else { throw failure("the entry's own header disagrees with the directory", record.header, record.name) }
        let start = record.header + 30 + nameLength + extra
        guard start <= end, record.size <= end - start else {
            throw failure("the entry lies outside of the file", record.header, record.name)
        }
        return start..<start + record.size
    }
}
