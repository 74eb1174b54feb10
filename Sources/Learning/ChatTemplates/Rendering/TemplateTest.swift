import Diagnostics

/// What can be asked of a value: `value is test`.
enum TemplateTest: String, Sendable {
    case boolean, callable, defined, divisibleby, even, float, integer, isFalse = "false", isIn = "in", isTrue = "true"
    case iterable, lower, mapping, none, number, odd, sameas, sequence, string, undefined, upper
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    init?(_ word: String) {
        let others = [
            "eq": "==", "equalto": "==", "ne": "!=", "lt": "<", "lessthan": "<", "le": "<=", "gt": ">",
            "greaterthan": ">", "ge": ">=",
        ]
        self.init(rawValue: others[word] ?? word)
    }
}

extension TemplateInterpreter {
    func holds(_ test: TemplateTest, _ value: TemplateValue, _ arguments: TemplateArguments) throws(Failure) -> Bool {
        switch test {
        case .defined: return !value.isUndefined
        case .undefined: return value.isUndefined
        case .none: if case .none = value { return true } else { return false }
        case .boolean: if case .bool = value { return true } else { return false }
        case .isTrue: if case .bool(true) = value { return true } else { return false }
        case .isFalse: if case .bool(false) = value { return true } else { return false }
        case .integer: if case .int = value { return true } else { return false }
        case .float: if case .double = value { return true } else { return false }
        case .number: return value.double != nil
        case .string: return value.string != nil
        case .mapping: if case .map = value { return true } else { return false }
        case .iterable:
            switch value {
            case .list, .map, .string, .undefined: return true
            default: return false
            }
        case .sequence:
            switch value {
            case .list, .map, .string, .undefined: return true
            default: return false
            }
        case .callable:
            switch value {
            case .macro, .function, .method, .undefined: return true
            default: return false
            }
        case .odd, .even, .divisibleby:
            let divisor = test == .divisibleby ? try argument(arguments).int : 2
            guard let number = value.int, let divisor, divisor != 0, number != .min else {
                throw refused("this is no integer to divide", value)
            }
            return (number % divisor == 0) != (test == .odd)
        case .lower: return try cased(value) { $0.lowercased() }
        case .upper: return try cased(value) { $0.uppercased() }
        case .sameas:
            let other = try argument(arguments)
            return value.kind == other.kind && value.equals(other)
        case .isIn: return try holds(.isIn, value, try argument(arguments))
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard let comparator = TemplateExpression.Comparator(rawValue: test.rawValue) else { return false }
            return try holds(comparator, value, try argument(arguments))
        }
    }

    private func argument(_ arguments: TemplateArguments) throws(Failure) -> TemplateValue {
        guard let value = arguments.values.first else { throw refused("a test needs an argument") }
        return value
    }

    private func cased(_ value: TemplateValue, _ mapped: (String) -> String) throws(Failure) -> Bool {
        guard let text = value.text else { throw refused("this has no text", value) }
        return mapped(text).equalsInBytes(text) && text.unicodeScalars.contains { $0.properties.isCased }
    }
}
