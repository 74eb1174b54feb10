package import Diagnostics

/// A JSON document that keeps the order of members and the text of numbers.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads one value and nothing after it, as strictly as ``JSONScanner`` does. Numbers beyond a double's range are
    /// refused with ``Failure/Code/jsonNumber``.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - path: The file it comes from, for failures.
    ///   - limit: How many bytes it may have.
    package static func parse(
        _ bytes: RawSpan, path: String? = nil, limit: Int = JSONLimits.byteCount
    ) throws(Failure) -> JSONValue {
        var scanner = try JSONScanner(bytes, path: path, limit: limit)
        let value = try scanner.value()
        try scanner.end()
        return value
    }

    package static func parse(
        _ bytes: [UInt8], path: String? = nil, limit: Int = JSONLimits.byteCount
    ) throws(Failure) -> JSONValue {
        try unsafe parse(bytes.span.bytes, path: path, limit: limit)
    }

    /// A finite number, laid out as Python does; null for infinities and NaN, which JSON cannot say.
    package init(_ value: Double) {
        self = JSONNumber(value).map(JSONValue.number) ?? .null
    }

    package init(_ value: some FixedWidthInteger) {
        self = .number(JSONNumber(value))
    }
}

// MARK: What it is, if it is that

extension JSONValue {
    package var kind: JSONKind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    package var isNull: Bool { self == .null }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var number: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    /// The value of a number written as an integer that fits; nil for `1.0`, `1e3`, `-0` and all else.
    package var int: Int? { number.flatMap { try? $0.int() } }

    /// The nearest double; nil for what is no number or out of its range.
    package var double: Double? { number.flatMap { try? $0.double() } }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member of this name, where this is an object that has it.
    package subscript(_ key: String) -> JSONValue? { object?[key] }
}

// MARK: Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self.init(value) }
    package init(floatLiteral value: Double) { self.init(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// Members in the order given; a key that comes twice is a mistake in the program.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements {
            precondition(object[key] == nil, "the literal has a key twice")
            object[key] = value
        }
        self = .object(object)
    }
}

extension JSONScanner {
    /// The next value, whatever it is.
    @_lifetime(self: copy self)
    package mutating func value() throws(Failure) -> JSONValue {
        switch try peek() {
        case .null:
            try null()
            return .null
        case .bool: return .bool(try bool())
        case .number: return .number(try number())
        case .string: return .string(try string())
        case .array:
            var elements: [JSONValue] = []
            try beginArray()
            while try nextElement() { elements.append(try value()) }
            return .array(elements)
        case .object:
            var members: [JSONObject.Member] = []
            try beginObject()
            while let key = try nextKey() { members.append((key, try value())) }
            return .object(JSONObject(unique: members))
        }
    }

    /// Passes over the next value, checking it as strictly as if it were read.
    @_lifetime(self: copy self)
    package mutating func skip() throws(Failure) {
        switch try peek() {
        case .null: try null()
        case .bool: _ = try bool()
        case .number: _ = try number()
        case .string: _ = try string()
        case .array:
            try beginArray()
            while try nextElement() { try skip() }
        case .object:
            try beginObject()
            while try nextKey() != nil { try skip() }
        }
    }
}
