import Diagnostics

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension TemplateInterpreter {
    mutating func value(_ expression: TemplateExpression) throws(Failure) -> TemplateValue {
        try budget.spend()
        switch expression {
        case .located(let line, let inner):
            self.line = line
            return try value(inner)
        case .none: return .none
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .double(let value): return .double(value)
        case .string(let text): return .string(text)
        case .name(let name): return scope[name] ?? function(name)
        case .list(let elements): return .list(try values(elements))
        case .map(let pairs):
            var map = TemplateMap()
            for pair in pairs { map[try value(pair.key)] = try value(pair.value) }
            return .map(map)
        case .member(let owner, let name): return try member(name, of: try value(owner))
        case .element(let owner, let key): return try element(try value(key), of: try value(owner))
        case .slice(let owner, let slice): return try sliced(try value(owner), slice)
        case .call(let callee, let given): return try call(callee, given)
        case .filter(let operand, let filter, let given):
            return try filtered(try value(operand), filter, try arguments(given))
        case .test(let operand, let test, let given):
            return .bool(try holds(test, try value(operand), try arguments(given)))
        case .not(let operand): return .bool(try !value(operand).isTrue)
        case .negative(let operand): return try negative(try value(operand))
        case .binary(let binaryOperator, let a, let b): return try combined(binaryOperator, try value(a), try value(b))
        case .and(let a, let b):
            let first = try value(a)
            return first.isTrue ? try value(b) : first
        case .or(let a, let b):
            let first = try value(a)
            return first.isTrue ? first : try value(b)
        case .comparison(let first, let others):
            var left = try value(first)
            for other in others {
                let right = try value(other.operand)
                guard try holds(other.comparator, left, right) else { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .concatenation(let parts):
            var joined = ""
            for part in parts { joined += try text(of: try value(part)) }
            try budget.spend(bytes: joined.utf8.count)
            return .string(joined)
        case .conditional(let then, let condition, let otherwise):
            if try value(condition).isTrue { return try value(then) }
            return try otherwise.map { otherwise throws(Failure) in try value(otherwise) } ?? .undefined("else")
        }
    }

    private mutating func values(_ expressions: [TemplateExpression]) throws(Failure) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try value(expression)) }
        return values
    }

    mutating func arguments(_ given: TemplateExpression.Arguments) throws(Failure) -> TemplateArguments {
        var arguments = TemplateArguments(values: try values(given.values))
        for (name, expression) in given.named { arguments.named.append((name, try value(expression))) }
        return arguments
    }

    // MARK: Parts

    /// `owner.name`: methods before members, as in Jinja.
    private func member(_ name: String, of owner: TemplateValue) throws(Failure) -> TemplateValue {
        switch owner {
        case .undefined: throw refused("nothing can be read of this", owner)
        case .map(let map): TemplateMethods.ofMaps.contains(name) ? .method(name) : map[name] ?? .undefined(name)
        case .namespace(let namespace): namespace.members[name] ?? .undefined(name)
        case .loop(let state): state[name] ?? .undefined("loop.\(name)")
        case .string: TemplateMethods.ofStrings.contains(name) ? .method(name) : .undefined(name)
        case .list: TemplateMethods.ofLists.contains(name) ? .method(name) : .undefined(name)
        default: .undefined(name)
        }
    }

    /// `owner[key]`.
    func element(_ key: TemplateValue, of owner: TemplateValue) throws(Failure) -> TemplateValue {
        switch owner {
        case .undefined: throw refused("nothing can be read of this", owner)
        case .map(let map): return map[key] ?? .undefined(key.text ?? "")
        case .list(let elements):
            guard let index = key.int.map({ $0 < 0 ? $0 + elements.count : $0 }), elements.indices.contains(index)
            else { return .undefined(key.text ?? "") }
            return elements[index]
        case .string(let text):
            guard let place = key.int else { return .undefined(key.text ?? "") }
            let scalars = text.unicodeScalars
            let index =
                place < 0
                ? scalars.index(scalars.endIndex, offsetBy: place, limitedBy: scalars.startIndex)
                : scalars.index(scalars.startIndex, offsetBy: place, limitedBy: scalars.endIndex)
            guard let index, index < scalars.endIndex else { return .undefined(key.text ?? "") }
            return .string(String(scalars[index]))
        case .namespace(let namespace): return namespace.members[key] ?? .undefined(key.text ?? "")
        case .loop(let state): return key.string.flatMap { state[$0] } ?? .undefined(key.text ?? "")
        default: return .undefined(key.text ?? "")
        }
    }

    private mutating func sliced(
        _ owner: TemplateValue, _ slice: TemplateExpression.Slice
    ) throws(Failure) -> TemplateValue {
        let start = try bound(slice.start)
        let stop = try bound(slice.stop)
        let step = try bound(slice.step) ?? 1
        guard step != 0 else { throw refused("a slice with a step of 0 never ends") }
        switch owner {
        case .list(let elements):
            try budget.spend(steps: elements.count)
            return .list(Self.places(elements.count, start, stop, step).map { elements[$0] })
        case .string(let text):
            try budget.spend(bytes: text.utf8.count)
            let scalars = Array(text.unicodeScalars)
            return .string(
                String(String.UnicodeScalarView(Self.places(scalars.count, start, stop, step).map { scalars[$0] })))
        case .undefined: throw refused("nothing can be read of this", owner)
        default: throw refused("this has no slices", owner)
        }
    }

    private mutating func bound(_ expression: TemplateExpression?) throws(Failure) -> Int? {
        guard let expression else { return nil }
        let value = try value(expression)
        if case .none = value { return nil }
        guard let place = value.int else { throw refused("a slice needs integers", value) }
        return max(-(1 << 40), min(1 << 40, place))
    }

    /// The places of Python's `[start:stop:step]`.
    private static func places(_ count: Int, _ start: Int?, _ stop: Int?, _ step: Int) -> [Int] {
        func clamped(_ place: Int) -> Int {
            let fromStart = place < 0 ? place + count : place
            return step > 0 ? max(0, min(count, fromStart)) : max(-1, min(count - 1, fromStart))
        }
        let first = start.map(clamped) ?? (step > 0 ? 0 : count - 1)
        let end = stop.map(clamped) ?? (step > 0 ? count : -1)
        return Array(stride(from: first, to: end, by: step))
    }

    // MARK: Operators

    private func negative(_ value: TemplateValue) throws(Failure) -> TemplateValue {
        if let int = value.int, int != .min { return .int(-int) }
        guard let double = value.double else { throw refused("this cannot be negated", value) }
        return .double(-double)
    }

    private mutating func combined(
        _ binaryOperator: TemplateExpression.Operator, _ a: TemplateValue, _ b: TemplateValue
    ) throws(Failure) -> TemplateValue {
        switch (binaryOperator, a, b) {
        case (.add, .string(let a), .string(let b)):
            try budget.spend(bytes: a.utf8.count + b.utf8.count)
            return .string(a + b)
        case (.add, .list(let a), .list(let b)):
            try budget.spend(steps: a.count + b.count)
            return .list(a + b)
        case (.multiply, .string(let text), _): return try repeated(text, b)
        case (.multiply, _, .string(let text)): return try repeated(text, a)
        case (.remainder, .string, _):
            throw Failure(
                .templateUnsupported, "formatting by `%` is not known here", object: "line \(line) of the template")
        default: break
        }
        let symbol = binaryOperator.rawValue
        guard let x = a.double, let y = b.double else {
            // Beside a text it is the other that does not fit.
            throw refused("`\(symbol)` is not for this", a.string != nil || a.double != nil ? b : a)
        }
        if let i = a.int, let j = b.int, let result = try integer(binaryOperator, i, j) { return .int(result) }
        switch binaryOperator {
        case .add: return .double(x + y)
        case .subtract: return .double(x - y)
        case .multiply: return .double(x * y)
        case .power: return .double(pow(x, y))
        case .divide, .divideToFloor, .remainder:
            guard y != 0 else { throw refused("this divides by zero") }
            if binaryOperator == .divide { return .double(x / y) }
            let floor = (x / y).rounded(.down)
            return .double(binaryOperator == .remainder ? x - floor * y : floor)
        }
    }

    /// Nil where the result is no integer.
    private func integer(
        _ binaryOperator: TemplateExpression.Operator, _ a: Int, _ b: Int
    ) throws(Failure) -> Int? {
        let result: (partialValue: Int, overflow: Bool)
        switch binaryOperator {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        case .divide: return nil
        case .divideToFloor, .remainder:
            guard b != 0 else { throw refused("this divides by zero") }
            guard b != -1 || a != .min else { throw refused("the number is too large") }
            let (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
            let isBelow = rest != 0 && (rest < 0) != (b < 0)
            return binaryOperator == .remainder ? (isBelow ? rest + b : rest) : (isBelow ? quotient - 1 : quotient)
        case .power:
            guard b >= 0 else { return nil }
            guard b <= 64 || abs(a) <= 1 else { throw refused("the number is too large") }
            var power = (partialValue: 1, overflow: false)
            for _ in 0..<(abs(a) <= 1 ? min(b, 2 + b % 2) : b) where !power.overflow {
                power = power.partialValue.multipliedReportingOverflow(by: a)
            }
            result = power
        }
        guard !result.overflow else { throw refused("the number is too large") }
        return result.partialValue
    }

    private mutating func repeated(_ text: String, _ count: TemplateValue) throws(Failure) -> TemplateValue {
        guard let count = count.int else { throw refused("a text can be repeated only a whole number of times", count) }
        let (size, overflow) = text.utf8.count.multipliedReportingOverflow(by: max(0, count))
        try budget.spend(bytes: overflow ? .max : size)
        return .string(String(repeating: text, count: max(0, text.isEmpty ? 0 : count)))
    }

    func holds(
        _ comparator: TemplateExpression.Comparator, _ a: TemplateValue, _ b: TemplateValue
    ) throws(Failure) -> Bool {
        switch comparator {
        case .equal: return a.equals(b)
        case .notEqual: return !a.equals(b)
        case .less: return try precedes(a, b)
        case .greater: return try precedes(b, a)
        case .lessOrEqual: return a.equals(b) ? true : try precedes(a, b)
        case .greaterOrEqual: return a.equals(b) ? true : try precedes(b, a)
        case .isIn: return try isIn(a, b)
        case .isNotIn: return try !isIn(a, b)
        }
    }

    private func precedes(_ a: TemplateValue, _ b: TemplateValue) throws(Failure) -> Bool {
        guard let result = a.precedes(b) else { throw refused("\(a.kind) has no order with this", b) }
        return result
    }

    private func isIn(_ part: TemplateValue, _ whole: TemplateValue) throws(Failure) -> Bool {
        switch whole {
        case .list(let elements): return elements.contains { $0.equals(part) }
        case .map(let map): return map[part] != nil
        case .namespace(let namespace): return namespace.members[part] != nil
        case .undefined: return false
        case .string(let text):
            guard let part = part.string else { throw refused("only a text can be in a text", part) }
            return part.isEmpty || !text.places(of: part, limit: 1).isEmpty
        default: throw refused("nothing can be in this", whole)
        }
    }
}
