package import Adapters
package import Diagnostics

/// The one way to write parameters as bytes, and its inverse. A tag, then little-endian values:
/// 0 null, 1 false, 2 true, 3 i64, 4 f64, 5 string, 6 list, 7 map; strings, lists and maps begin with a 32-bit count.
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
        writer.integer(UInt32(members.count))
        for member in members {
            write(member.key, to: &writer)
            write(member.value, to: &writer)
        }
    }

    private static func write(_ text: String, to writer: inout ByteWriter) {
        writer.integer(UInt32(text.utf8.count))
        writer.append(Array(text.utf8))
    }

    private static func write(_ value: ParameterValue, to writer: inout ByteWriter) {
        switch value {
        case .null: writer.append([0])
        case .bool(let value): writer.append([value ? 2 : 1])
        case .int(let value):
            writer.append([3])
            writer.integer(UInt64(bitPattern: value))
        case .double(let value):
            writer.append([4])
            writer.integer(value.bitPattern)
        case .string(let value):
            writer.append([5])
            write(value, to: &writer)
        case .list(let values):
            writer.append([6])
            writer.integer(UInt32(values.count))
            for value in values { write(value, to: &writer) }
        case .map(let members):
            writer.append([7])
            write(members, to: &writer)
        }
    }

    private static func members(from reader: inout ByteReader, depth: Int) throws(Failure) -> [ParameterValue.Member] {
        let count = try reader.count()
        guard count <= reader.remaining / 5 else {
            throw Failure(.badParameter, "a map has more members than bytes", offset: reader.offset)
        }
        var members: [ParameterValue.Member] = []
        var keys: Set<[UInt8]> = []
        for _ in 0..<count {
            let key = try string(from: &reader)
            guard keys.insert(Array(key.utf8)).inserted else {
                throw Failure(.badParameter, "the parameter \(key) stands twice", offset: reader.offset)
            }
            members.append(.init(key, try value(from: &reader, depth: depth + 1)))
        }
        return members
    }

    private static func string(from reader: inout ByteReader) throws(Failure) -> String {
        let offset = reader.offset
        let bytes = try reader.array(try reader.count())
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badParameter, "a parameter's text is not UTF-8", offset: offset)
        }
        return text
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
        case 3: return .int(Int64(bitPattern: try reader.integer()))
        case 4:
            let number = Double(bitPattern: try reader.integer())
            guard number.isFinite else {
                throw Failure(.badParameter, "a parameter is not finite", offset: offset, actual: "\(number)")
            }
            guard case .double = ParameterValue.number(number) else {
                throw Failure(.notCanonical, "a whole number is written as a float", offset: offset)
            }
            return .double(number)
        case 5: return .string(try string(from: &reader))
        case 6:
            let count = try reader.count()
            guard count <= reader.remaining else {
                throw Failure(.badParameter, "a list has more members than bytes", offset: offset)
            }
            var values: [ParameterValue] = []
            for _ in 0..<count { values.append(try value(from: &reader, depth: depth + 1)) }
            return .list(values)
        case 7: return .map(try members(from: &reader, depth: depth))
        default:
            throw Failure(.badParameter, "a parameter has a type unknown here", offset: offset, actual: "\(tag)")
        }
    }
}
