import Diagnostics

extension TemplateInterpreter {
    /// `a.b` or `a` of each element.
    func members(_ path: TemplateValue, of elements: [TemplateValue]) throws(Failure) -> [TemplateValue] {
        var members: [TemplateValue] = []
        for element in elements { members.append(try member(path, of: element)) }
        return members
    }

    private func member(_ path: TemplateValue, of value: TemplateValue) throws(Failure) -> TemplateValue {
        guard let path = path.string else { return try element(path, of: value) }
        var value = value
        for name in path.parts(between: ".") {
            value = try element(Int(name).map { .int($0) } ?? .string(name), of: value)
        }
        return value
    }

    /// `map`, and the filters that leave elements out.
    mutating func picked(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        let elements = try elements(of: value)
        var rest = arguments
        if filter == .map {
            if let attribute = arguments["attribute"] {
                let standard = arguments["default"]
                return .list(
                    try members(attribute, of: elements).map { $0.isUndefined ? standard ?? $0 : $0 })
            }
            guard let word = arguments.values.first?.string else { throw refused("`map` needs a filter") }
            guard let inner = TemplateFilter(word) else { throw unsupported("a filter", word) }
            rest.values.removeFirst()
            var results: [TemplateValue] = []
            for element in elements { results.append(try filtered(element, inner, rest)) }
            return .list(results)
        }
        var asked = elements
        if filter == .selectattr || filter == .rejectattr {
            guard let attribute = rest.values.first else { throw refused("`\(filter.rawValue)` needs a name") }
            rest.values.removeFirst()
            asked = try members(attribute, of: elements)
        }
        var test: TemplateTest?
        if let word = rest.values.first {
            guard let known = word.string.flatMap({ TemplateTest($0) }) else {
                throw unsupported("a test", word.text ?? "")
            }
            test = known
            rest.values.removeFirst()
        }
        let keeps = filter == .select || filter == .selectattr
        var kept: [TemplateValue] = []
        for (element, value) in zip(elements, asked) {
            let isTrue = try test.map { test throws(Failure) in try holds(test, value, rest) } ?? value.isTrue
            if isTrue == keeps { kept.append(element) }
        }
        return .list(kept)
    }

    private func unsupported(_ what: String, _ name: String) -> Failure {
        Failure(
            .templateUnsupported, "\(what) of the template is not known here", object: "line \(line) of the template",
            actual: name)
    }

    /// Filters that compare elements.
    mutating func ordered(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        if filter == .dictsort {
            guard case .map(let map) = value else { throw refused("only a mapping has items", value) }
            let byValue = arguments.value(1, "by")?.string == "value"
            let items = map.members.map { TemplateValue.list([$0.key, $0.value]) }
            let keys = map.members.map { byValue ? $0.value : $0.key }
            return .list(
                try sorted(
                    items, by: keys, isExact: arguments.value(0, "case_sensitive")?.isTrue ?? false,
                    isReversed: arguments.value(2, "reverse")?.isTrue ?? false))
        }
        let elements = try elements(of: value)
        let attribute = filter == .sort ? arguments.value(2, "attribute") : arguments["attribute"]
        let keys = try attribute.map { path throws(Failure) in try members(path, of: elements) } ?? elements
        let isExact = arguments.value(filter == .sort ? 1 : 0, "case_sensitive")?.isTrue ?? false
        switch filter {
        case .sum:
            var sum = arguments["start"] ?? .int(0)
            for key in keys {
                if let a = sum.int, let b = key.int, !a.addingReportingOverflow(b).overflow {
                    sum = .int(a + b)
                } else if let a = sum.double, let b = key.double {
                    sum = .double(a + b)
                } else {
                    throw refused("this cannot be summed", key)
                }
            }
            return sum
        case .unique:
            var kept: [TemplateValue] = []
            var seen = TemplateMap()
            for (element, key) in zip(elements, keys) {
                let key = isExact ? key : key.folded
                try budget.spend()
                guard seen[key] == nil else { continue }
                seen[key] = .bool(true)
                kept.append(element)
            }
            return .list(kept)
        case .min, .max:
            let sorted = try sorted(elements, by: keys, isExact: isExact, isReversed: false)
            return (filter == .min ? sorted.first : sorted.last) ?? .undefined(filter.rawValue)
        default:
            let isReversed = arguments.value(0, "reverse")?.isTrue ?? false
            return .list(try sorted(elements, by: keys, isExact: isExact, isReversed: isReversed))
        }
    }

    /// Equal ones stay in their order.
    private mutating func sorted(
        _ elements: [TemplateValue], by keys: [TemplateValue], isExact: Bool, isReversed: Bool
    ) throws(Failure) -> [TemplateValue] {
        let keys = isExact ? keys : keys.map(\.folded)
        try budget.spend(steps: 20 * elements.count)
        for (a, b) in zip(keys, keys.dropFirst()) where a.precedes(b) == nil {
            throw refused("\(a.kind) has no order with this", b)
        }
        let order = keys.indices.sorted { a, b in
            let (first, second) = isReversed ? (keys[b], keys[a]) : (keys[a], keys[b])
            if first.equals(second) { return a < b }
            return first.precedes(second) ?? (a < b)
        }
        return order.map { elements[$0] }
    }

    func number(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        switch filter {
        case .int:
            let standard = arguments.value(0, "default") ?? .int(0)
            if let int = value.int { return .int(int) }
            let text = value.string?.stripped()
            if let int = text.flatMap({ Int($0) }) { return .int(int) }
            guard let double = value.double ?? text.flatMap({ Double($0) }),
                let int = Int(exactly: double.rounded(.towardZero))
            else { return standard }
            return .int(int)
        case .float:
            let number = value.double ?? value.string.flatMap { Double($0.stripped()) }
            return number.map { .double($0) } ?? arguments.value(0, "default") ?? .double(0)
        case .abs:
            if let int = value.int, int != .min { return .int(Swift.abs(int)) }
            guard let double = value.double else { throw refused("this is no number", value) }
            return .double(Swift.abs(double))
        default:
            guard let double = value.double else { throw refused("this is no number", value) }
            guard (arguments.value(0, "precision")?.int ?? 0) == 0, arguments.value(1, "method") == nil else {
                throw unsupported("an argument of `round`", "precision")
            }
            return .double(double.rounded(.toNearestOrEven))
        }
    }
}

extension TemplateValue {
    /// With small letters alone, where it is a text.
    fileprivate var folded: TemplateValue {
        string.map { .string($0.lowercased()) } ?? self
    }
}
