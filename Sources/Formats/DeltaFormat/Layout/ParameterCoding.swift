package import Adapters
package import Diagnostics

/// The one way to write parameters as bytes, and its inverse. A tag, then little-endian values: 0 null, 1 false, 2 true,
/// 3 to 6 an integer in 1, 2, 4 or 8 bytes, the fewest that hold it, 7 f64, 8 text, 9 list, 10 map; text, lists and maps
/// begin with a 16-bit count, keys with one of 8 bits.
extension Parameters {
    /// The members as a map, without its tag.
    package func serialized() -> [UInt8] {
        var writer = ByteWriter()
        Self.write(members, to: &writer)
        return writer.bytes
    }

    package init(parsing bytes: [UInt8], offset: UInt64 = 0) throws(Failure) {
        self.init()
        let span = unsafe bytes.span.bytes
        var reader = ByteReader(span, origin: offset)
        do throws(Failure) {
            let members = try Self.members(from: &reader, depth: 1)
            var previous: String?
            for member in members {
                if let previous, !previous.precedesInBytes(member.key) {
                    throw Failure(
                        previous.equalsInBytes(member.key) ? .badParameter : .notCanonical,
                        "the parameter \(member.key) is out of order or stands twice", offset: offset)
                }
                previous = member.key
                self[member.key] = member.value
            }
            guard reader.remaining == 0 else {
                throw Failure(.badParameter, "bytes follow the parameters", offset: reader.offset)
            }
        } catch {
            guard error.code == .indexInconsistent else { throw error }
            throw Failure(.badParameter, "the parameters end in the middle of a value", offset: error.offset)
        }
    }

    private static func write(_ members: [ParameterValue.Member], to writer: inout ByteWriter) {
        writer.integer(UInt16(truncatingIfNeeded: members.count))
        for member in members {
            writer.integer(UInt8(truncatingIfNeeded: member.key.utf8.count))
            writer.append(Array(member.key.utf8))
            write(member.value, to: &writer)
        }
    }

    private static func write(_ value: Int64, to writer: inout ByteWriter) {
        if let narrow = Int8(exactly: value) {
            writer.append([3])
            writer.integer(UInt8(bitPattern: narrow))
        } else if let narrow = Int16(exactly: value) {
            writer.append([4])
            writer.integer(UInt16(bitPattern: narrow))
        } else if let narrow = Int32(exactly: value) {
            writer.append([5])
            writer.integer(UInt32(bitPattern: narrow))
        } else {
            writer.append([6])
            writer.integer(UInt64(bitPattern: value))
        }
    }

    private static func write(_ value: ParameterValue, to writer: inout ByteWriter) {
        switch value {
        case .null: writer.append([0])
        case .bool(let value): writer.append([value ? 2 : 1])
        case .int(let value): write(value, to: &writer)
        case .double(let value):
            writer.append([7])
            writer.integer(value.bitPattern)
        case .string(let value):
            writer.append([8])
            writer.integer(UInt16(truncatingIfNeeded: value.utf8.count))
            writer.append(Array(value.utf8))
        case .list(let values):
            writer.append([9])
            writer.integer(UInt16(truncatingIfNeeded: values.count))
            for value in values { write(value, to: &writer) }
        case .map(let members):
            writer.append([10])
            write(members, to: &writer)
        }
    }

    private static func members(from reader: inout ByteReader, depth: Int) throws(Failure) -> [ParameterValue.Member] {
        let count = Int(try reader.integer(UInt16.self))
        var members: [ParameterValue.Member] = []
        var keys: Set<[UInt8]> = []
        for _ in 0..<count {
            let key = try text(Int(try reader.integer(UInt8.self)), from: &reader)
            guard keys.insert(Array(key.utf8)).inserted else {
                throw Failure(.badParameter, "the parameter \(key) stands twice", offset: reader.offset)
            }
            members.append(.init(key, try value(from: &reader, depth: depth + 1)))
        }
        return members
    }

    private static func text(_ count: Int, from reader: inout ByteReader) throws(Failure) -> String {
        let offset = reader.offset
        let bytes = try reader.array(count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badParameter, "a parameter's text is not UTF-8", offset: offset)
        }
        return text
    }

    /// A two's complement of 1, 2, 4 or 8 bytes.
    private static func integer(byteCount: Int, from reader: inout ByteReader) throws(Failure) -> Int64 {
        switch byteCount {
        case 1: Int64(Int8(bitPattern: try reader.integer()))
        case 2: Int64(Int16(bitPattern: try reader.integer()))
        case 4: Int64(Int32(bitPattern: try reader.integer()))
        default: Int64(bitPattern: try reader.integer())
        }
    }

    private static func isNarrower(_ value: Int64, than tag: UInt8) -> Bool {
        switch tag {
        case 4: Int8(exactly: value) != nil
        case 5: Int16(exactly: value) != nil
        default: Int32(exactly: value) != nil
        }
    }

    private static func value(from reader: inout ByteReader, depth: Int) throws(Failure) -> ParameterValue {
        guard depth <= Limits.parameterDepth else {
            throw Failure(.badParameter, "the parameters nest too deeply", offset: reader.offset)
        }
        let offset = reader.offset
        let tag = try reader.integer(UInt8.self)
        switch tag {
        case 0: return .null
        case 1: return .bool(false)
        case 2: return .bool(true)
        case 3...6:
            let value = try integer(byteCount: 1 << Int(tag - 3), from: &reader)
            guard tag == 3 || !isNarrower(value, than: tag) else {
                throw Failure(.notCanonical, "an integer is written in more bytes than it needs", offset: offset)
            }
            return .int(value)
        case 7:
            let number = Double(bitPattern: try reader.integer())
            guard number.isFinite else {
                throw Failure(.badParameter, "a parameter is not finite", offset: offset, actual: "\(number)")
            }
            guard case .double = ParameterValue.number(number) else {
                throw Failure(.notCanonical, "a whole number is written as a float", offset: offset)
            }
            return .double(number)
        case 8: return .string(try text(Int(try reader.integer(UInt16.self)), from: &reader))
        case 9:
            let count = Int(try reader.integer(UInt16.self))
            var values: [ParameterValue] = []
            for _ in 0..<count { values.append(try value(from: &reader, depth: depth + 1)) }
            return .list(values)
        case 10: return .map(try members(from: &reader, depth: depth))
        default:
            throw Failure(.badParameter, "a parameter has a type unknown here", offset: offset, actual: "\(tag)")
        }
    }
}
