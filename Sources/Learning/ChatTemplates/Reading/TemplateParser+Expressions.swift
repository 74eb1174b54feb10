import Diagnostics

extension TemplateParser {
    /// One expression, or several with commas between, which are a list.
    mutating func tuple(withConditions: Bool = true) throws(Failure) -> TemplateExpression {
        links = 0
        let first = try withConditions ? expression() : alternatives()
        guard kind == .symbol(",") else { return first }
        var elements = [first]
        while take(symbol: ",") {
            switch kind {
            case .outputEnd, .blockEnd, .symbol(")"): return .list(elements)
            default: elements.append(try withConditions ? expression() : alternatives())
            }
        }
        return .list(elements)
    }

    mutating func expression() throws(Failure) -> TemplateExpression {
        try nested { (parser) throws(Failure) in
            var value = try parser.alternatives()
            while parser.take(word: "if") {
                try parser.link()
                let condition = try parser.alternatives()
                let otherwise = parser.take(word: "else") ? try parser.expression() : nil
                value = .conditional(value, if: condition, else: otherwise)
            }
            return value
        }
    }

    /// Without a condition behind it.
    private mutating func alternatives() throws(Failure) -> TemplateExpression {
        var value = try conjunction()
        while take(word: "or") {
            try link()
            value = .or(value, try conjunction())
        }
        return value
    }

    private mutating func conjunction() throws(Failure) -> TemplateExpression {
        var value = try negation()
        while take(word: "and") {
            try link()
            value = .and(value, try negation())
        }
        return value
    }

    private mutating func negation() throws(Failure) -> TemplateExpression {
        guard take(word: "not") else { return try comparison() }
        return .not(try nested { (parser) throws(Failure) in try parser.negation() })
    }

    private mutating func comparison() throws(Failure) -> TemplateExpression {
        let line = line
        let first = try sum()
        var others: [TemplateExpression.Comparison] = []
        while let comparator = comparator() {
            others.append(.init(comparator: comparator, operand: try sum()))
        }
        return others.isEmpty ? first : .located(line: line, .comparison(first, others))
    }

    private mutating func comparator() -> TemplateExpression.Comparator? {
        if take(word: "in") { return .isIn }
        if kind == .name("not"), next == .name("in") {
            advance()
            advance()
            return .isNotIn
        }
        guard case .symbol(let symbol) = kind, let comparator = TemplateExpression.Comparator(rawValue: symbol) else {
            return nil
        }
        advance()
        return comparator
    }

    private mutating func sum() throws(Failure) -> TemplateExpression {
        try binary(["+", "-"]) { (parser) throws(Failure) in try parser.concatenation() }
    }

    private mutating func concatenation() throws(Failure) -> TemplateExpression {
        var parts = [try product()]
        while take(symbol: "~") { parts.append(try product()) }
        return parts.count == 1 ? parts[0] : .concatenation(parts)
    }

    private mutating func product() throws(Failure) -> TemplateExpression {
        try binary(["*", "/", "//", "%"]) { (parser) throws(Failure) in
            try parser.binary(["**"]) { (parser) throws(Failure) in try parser.operand() }
        }
    }

    private mutating func binary(
        _ symbols: Set<String>, _ operand: (inout TemplateParser) throws(Failure) -> TemplateExpression
    ) throws(Failure) -> TemplateExpression {
        let line = line
        var value = try operand(&self)
        while case .symbol(let symbol) = kind, symbols.contains(symbol),
            let binaryOperator = TemplateExpression.Operator(rawValue: symbol)
        {
            try link()
            advance()
            value = .located(line: line, .binary(binaryOperator, value, try operand(&self)))
        }
        return value
    }

    /// With a sign, members, calls, filters and tests. A sign holds before filters do.
    private mutating func operand(withFilters: Bool = true) throws(Failure) -> TemplateExpression {
        let line = line
        var value: TemplateExpression
        if take(symbol: "-") {
            value = .negative(try nested { (parser) throws(Failure) in try parser.operand(withFilters: false) })
        } else if take(symbol: "+") {
            value = try nested { (parser) throws(Failure) in try parser.operand(withFilters: false) }
        } else {
            value = try primary()
        }
        value = try parts(of: value)
        if withFilters { value = try filters(of: value) }
        return .located(line: line, value)
    }

    private mutating func primary() throws(Failure) -> TemplateExpression {
        switch kind {
        case .name(let word):
            advance()
            switch word {
            case "true", "True": return .bool(true)
            case "false", "False": return .bool(false)
            case "none", "None": return .none
            default: return .name(word)
            }
        case .string(var text):
            advance()
            while case .string(let more) = kind {
                text += more
                advance()
            }
            return .string(text)
        case .integer(let value):
            advance()
            return .int(value)
        case .decimal(let value):
            advance()
            return .double(value)
        case .symbol("("):
            advance()
            return try nested { (parser) throws(Failure) in
                if parser.take(symbol: ")") { return .list([]) }
                let links = parser.links
                let value = try parser.tuple()
                parser.links += links
                try parser.expect(symbol: ")")
                return value
            }
        case .symbol("["):
            advance()
            return try nested { (parser) throws(Failure) in try parser.list() }
        case .symbol("{"):
            advance()
            return try nested { (parser) throws(Failure) in try parser.map() }
        default: throw unexpected("a value")
        }
    }

    private mutating func list() throws(Failure) -> TemplateExpression {
        var elements: [TemplateExpression] = []
        while !take(symbol: "]") {
            if !elements.isEmpty { try expect(symbol: ",") }
            if !elements.isEmpty, take(symbol: "]") { break }
            elements.append(try expression())
        }
        return .list(elements)
    }

    private mutating func map() throws(Failure) -> TemplateExpression {
        var pairs: [TemplateExpression.Pair] = []
        while !take(symbol: "}") {
            if !pairs.isEmpty { try expect(symbol: ",") }
            if !pairs.isEmpty, take(symbol: "}") { break }
            let key = try expression()
            try expect(symbol: ":")
            pairs.append(.init(key: key, value: try expression()))
        }
        return .map(pairs)
    }

    /// Members, elements and calls behind a value.
    private mutating func parts(of value: TemplateExpression) throws(Failure) -> TemplateExpression {
        var value = value
        while true {
            if take(symbol: ".") {
                try link()
                if case .integer(let index) = kind {
                    advance()
                    value = .element(value, .int(index))
                } else {
                    value = .member(value, try name("a name"))
                }
            } else if take(symbol: "[") {
                try link()
                value = try nested { (parser) throws(Failure) in try parser.element(of: value) }
            } else if take(symbol: "(") {
                try link()
                value = .call(value, try arguments())
            } else {
                return value
            }
        }
    }

    private mutating func element(of value: TemplateExpression) throws(Failure) -> TemplateExpression {
        func isEnd(_ kind: TemplateToken.Kind) -> Bool { kind == .symbol(":") || kind == .symbol("]") }
        let start = isEnd(kind) ? nil : try expression()
        if let start, take(symbol: "]") { return .element(value, start) }
        try expect(symbol: ":")
        let stop = isEnd(kind) ? nil : try expression()
        var step: TemplateExpression?
        if take(symbol: ":"), !isEnd(kind) { step = try expression() }
        try expect(symbol: "]")
        return .slice(value, .init(start: start, stop: stop, step: step))
    }

    /// Behind the parenthesis that opens them.
    mutating func arguments() throws(Failure) -> TemplateExpression.Arguments {
        try nested { (parser) throws(Failure) in
            var arguments = TemplateExpression.Arguments()
            var isFirst = true
            while !parser.take(symbol: ")") {
                if !isFirst { try parser.expect(symbol: ",") }
                if !isFirst, parser.take(symbol: ")") { break }
                isFirst = false
                if case .symbol(let symbol) = parser.kind, symbol == "*" || symbol == "**" {
                    throw parser.unsupported("an argument", symbol)
                }
                if case .name(let name) = parser.kind, parser.next == .symbol("=") {
                    parser.advance()
                    parser.advance()
                    arguments.named.append((name, try parser.expression()))
                } else {
                    arguments.values.append(try parser.expression())
                }
            }
            return arguments
        }
    }

    // MARK: Filters and tests

    private mutating func filters(of value: TemplateExpression) throws(Failure) -> TemplateExpression {
        var value = value
        while true {
            if take(symbol: "|") {
                try link()
                let filter = try filterName()
                value = .filter(value, filter, take(symbol: "(") ? try arguments() : .init())
            } else if take(word: "is") {
                try link()
                value = try test(of: value)
            } else if take(symbol: "(") {
                try link()
                value = .call(value, try arguments())
            } else {
                return value
            }
        }
    }

    mutating func filterName() throws(Failure) -> TemplateFilter {
        guard case .name(let word) = kind else { throw unexpected("a filter") }
        guard let filter = TemplateFilter(word) else { throw unsupported("a filter", word) }
        advance()
        return filter
    }

    private mutating func test(of value: TemplateExpression) throws(Failure) -> TemplateExpression {
        let isNegated = take(word: "not")
        guard case .name(let word) = kind else { throw unexpected("a test") }
        guard let test = TemplateTest(word) else { throw unsupported("a test", word) }
        advance()
        var given = TemplateExpression.Arguments()
        if take(symbol: "(") {
            given = try arguments()
        } else if beginsArgument {
            given.values = [try parts(of: try primary())]
        }
        let result = TemplateExpression.test(value, test, given)
        return isNegated ? .not(result) : result
    }

    /// Whether what follows a test is its argument, without parentheses.
    private var beginsArgument: Bool {
        switch kind {
        case .name(let word): !["else", "or", "and", "if", "in", "not", "is"].contains(word)
        case .string, .integer, .decimal, .symbol("["), .symbol("{"): true
        default: false
        }
    }
}
