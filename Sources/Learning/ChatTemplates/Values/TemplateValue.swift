import JSON

/// What a template computes with: Python's values, as far as templates use them.
enum TemplateValue {
    /// What has no value, by the name it was asked for. It prints as nothing, and whoever looks into it fails.
    case undefined(String)
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([TemplateValue])
    case map(TemplateMap)
    case namespace(TemplateNamespace)
    case loop(LoopState)
    case macro(TemplateMacro)
    /// A function that every template has, by its name.
    case function(String)
    /// A method that was not called.
    case method(String)
}

/// What `namespace(…)` gives: the only value whose members a template can set.
final class TemplateNamespace {
    var members: TemplateMap

    init(_ members: TemplateMap) {
        self.members = members
    }
}

extension TemplateValue {
    init(_ value: JSONValue) {
        switch value {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .number(let number):
            if number.isInteger, let value = Int(number.text) {
                self = .int(value)
            } else {
                self = .double(Double(number.text) ?? .nan)
            }
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(elements.map { TemplateValue($0) })
        case .object(let object):
            var map = TemplateMap()
            for (key, value) in object.members { map[.string(key)] = TemplateValue(value) }
            self = .map(map)
        }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }

    var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// Booleans count as numbers too.
    var int: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    var double: Double? {
        if case .double(let value) = self { value } else { int.map(Double.init) }
    }

    /// Whether a condition holds for it.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let elements): !elements.isEmpty
        case .map(let map): !map.isEmpty
        case .namespace, .loop, .macro, .function, .method: true
        }
    }

    /// As Python names it.
    var kind: String {
        switch self {
        case .undefined(let name): "`\(name)`, which is undefined"
        case .none: "none"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .list: "a list"
        case .map: "a mapping"
        case .namespace: "a namespace"
        case .loop: "a loop"
        case .macro, .function, .method: "a function"
        }
    }

    /// As it is printed; nil for what has no text of its own.
    var text: String? {
        switch self {
        case .undefined: ""
        case .string(let value): value
        default: representation
        }
    }

    /// As it is printed within a list; nil for what has no text of its own.
    var representation: String? {
        switch self {
        case .undefined: "Undefined"
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .int(let value): "\(value)"
        case .double(let value): value.pythonText
        case .string(let value): value.pythonRepresentation
        case .list(let elements): Self.joined(elements.map(\.representation)).map { "[\($0)]" }
        case .map(let map):
            Self.joined(
                map.members.map { member in
                    guard let key = member.key.representation, let value = member.value.representation else {
                        return nil
                    }
                    return "\(key): \(value)"
                }
            ).map { "{\($0)}" }
        case .namespace, .loop, .macro, .function, .method: nil
        }
    }

    private static func joined(_ parts: [String?]) -> String? {
        parts.contains { $0 == nil } ? nil : parts.compactMap(\.self).joined(separator: ", ")
    }
}

extension Double {
    /// As Python prints it.
    var pythonText: String {
        JSONNumber(self)?.text ?? (isNaN ? "nan" : self < 0 ? "-inf" : "inf")
    }
}
