import Diagnostics

/// A config value that changes what an adapter does.
package indirect enum ParameterValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Finite, and no integer that `int` could hold: see ``number(_:)``.
    case double(Double)
    case string(String)
    case list([ParameterValue])
    /// Pairs in the order given: in a rank pattern the first match wins.
    case map([Member])

    package struct Member: Hashable, Sendable {
        package let key: String
        package let value: ParameterValue

        package init(_ key: String, _ value: ParameterValue) {
            self.key = key
            self.value = value
        }
    }

    /// The one way to write a number: as an integer where it is one of at most 53 bits (16.0 is 16), else as a double.
    package static func number(_ value: Double) -> ParameterValue {
        if value.magnitude < 0x1p53, value == value.rounded(.towardZero), !(value == 0 && value.sign == .minus) {
            return .int(Int64(value))
        }
        return .double(value)
    }
}

extension ParameterValue {
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var int: Int? { if case .int(let value) = self { Int(exactly: value) } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var list: [ParameterValue]? { if case .list(let value) = self { value } else { nil } }
    package var map: [Member]? { if case .map(let value) = self { value } else { nil } }

    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The strings of a list of strings; nil if it is anything else.
    package var strings: [String]? {
        guard let list else { return nil }
        var strings: [String] = []
        for value in list {
            guard let string = value.string else { return nil }
            strings.append(string)
        }
        return strings
    }
}

/// Named values in the order of their keys' UTF-8 bytes, each key once: equal parameters have equal bytes.
package struct Parameters: Hashable, Sendable {
    package private(set) var members: [ParameterValue.Member] = []

    package init() {}

    package init(_ values: [String: ParameterValue]) {
        for (key, value) in values { self[key] = value }
    }

    package var isEmpty: Bool { members.isEmpty }

    package subscript(key: String) -> ParameterValue? {
        get {
            let place = place(of: key)
            return place.found ? members[place.index].value : nil
        }
        set {
            let place = place(of: key)
            switch (newValue, place.found) {
            case (let value?, true): members[place.index] = .init(key, value)
            case (let value?, false): members.insert(.init(key, value), at: place.index)
            case (nil, true): members.remove(at: place.index)
            case (nil, false): break
            }
        }
    }

    private func place(of key: String) -> (index: Int, found: Bool) {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].key.precedesInBytes(key) { low = middle + 1 } else { high = middle }
        }
        return (low, low < members.count && members[low].key.equalsInBytes(key))
    }
}

extension Parameters: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, ParameterValue)...) {
        for (key, value) in elements { self[key] = value }
    }
}
