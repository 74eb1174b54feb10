import Diagnostics
import Files

/// The records of a table: values between commas, quoted as RFC 4180 has it, or between tabs, where quotes are characters
/// like others.
struct TableReader: ~Copyable {
    struct Record {
        /// The line where it begins, from 1.
        let line: Int
        /// What its fields are, or why they cannot be read.
        let fields: Result<[String], Failure>

        /// Its fields, of which there are so many.
        ///
        /// Throws ``Failure/Code/badDataLine`` where they cannot be read or are more or fewer.
        func values(count: Int) throws(Failure) -> [String] {
            let fields = try fields.get()
            guard fields.count == count else {
                throw Failure(
                    .badDataLine, "the record has another number of values than the first", expected: "\(count)",
                    actual: "\(fields.count)")
            }
            return fields
        }
    }

    private let isQuoted: Bool
    private let separator: UInt8
    private let limit: Int
    private var lines: LineReader

    /// - Parameter isCommaSeparated: Whether commas stand between the values; else tabs do.
    init(_ file: InputFile, isCommaSeparated: Bool, limit: Int) {
        isQuoted = isCommaSeparated
        separator = UInt8(ascii: isCommaSeparated ? "," : "\t")
        self.limit = limit
        lines = LineReader(file, limit: limit)
    }

    /// The next record, nil at the end. Empty lines are passed over.
    ///
    /// Throws ``Failure/Code/badDataLine`` where a quoted value takes all of the file that is left.
    mutating func next() throws(Failure) -> Record? {
        while let line = try lines.next() {
            if !line.isTooLong, line.bytes.isEmpty || line.bytes == [UInt8(ascii: "\r")] { continue }
            var parser = FieldParser(separator: separator, isQuoted: isQuoted)
            var fault = line.isTooLong ? tooLong : parser.add(line.bytes[...])
            while fault == nil, parser.isOpen {
                guard let more = try lines.next() else {
                    throw Failure(
                        .badDataLine, "a quoted value does not end, so all behind it is lost",
                        object: "line \(line.number)",
                        hint: "quotes within a value are doubled; in .tsv they mean nothing")
                }
                // The end of the line before is part of the value.
                parser.addLineEnd()
                if more.isTooLong || more.bytes.count > limit - parser.byteCount { parser.passOver() }
                fault = parser.add(more.bytes[...])
            }
            if fault == nil, parser.isPassedOver { fault = tooLong }
            return Record(line: line.number, fields: fault.map { .failure($0) } ?? parser.finished())
        }
        return nil
    }

    private var tooLong: Failure {
        Failure(.badDataLine, "the record is too long", expected: "at most \(limit) bytes")
    }
}

/// Takes the lines of a record apart.
private struct FieldParser {
    private static let quote = UInt8(ascii: "\"")

    let separator: UInt8
    let isQuoted: Bool
    private(set) var byteCount = 0
    private var fields: [[UInt8]] = [[]]
    /// Whether a quoted value has begun and not ended.
    private(set) var isOpen = false
    /// Whether the value at hand was quoted, so that nothing may follow.
    private var isClosed = false
    /// Whether it was too long.
    private(set) var isPassedOver = false

    init(separator: UInt8, isQuoted: Bool) {
        self.separator = separator
        self.isQuoted = isQuoted
    }

    /// Keeps nothing more of a record that is too long, whose end is to be found all the same.
    mutating func passOver() {
        isPassedOver = true
        fields = [[]]
    }

    mutating func addLineEnd() {
        append(UInt8(ascii: "\n"))
        byteCount += 1
    }

    /// Why it is no line of a record, if it is none.
    mutating func add(_ line: ArraySlice<UInt8>) -> Failure? {
        byteCount += line.count
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            index += 1
            if isOpen {
                guard byte == Self.quote else {
                    append(byte)
                    continue
                }
                if index < line.endIndex, line[index] == Self.quote {
                    append(byte)
                    index += 1
                } else {
                    isOpen = false
                    isClosed = true
                }
            } else if byte == UInt8(ascii: "\r"), index == line.endIndex {
                // The line end of Windows, behind the last value.
                continue
            } else if byte == separator {
                fields.append([])
                isClosed = false
            } else if isClosed {
                return Failure(.badDataLine, "something follows a quoted value", expected: "a comma or a line end")
            } else if isQuoted, byte == Self.quote {
                guard fields.last?.isEmpty == true else {
                    return Failure(.badDataLine, "a quote stands within a value that does not begin with one")
                }
                isOpen = true
            } else {
                append(byte)
            }
        }
        return nil
    }

    private mutating func append(_ byte: UInt8) {
        if !isPassedOver { fields[fields.count - 1].append(byte) }
    }

    func finished() -> Result<[String], Failure> {
        var texts: [String] = []
        for field in fields {
            guard let text = String(validating: field, as: UTF8.self) else {
                return .failure(Failure(.badDataLine, "a value is no UTF-8"))
            }
            texts.append(text)
        }
        return .success(texts)
    }
}
