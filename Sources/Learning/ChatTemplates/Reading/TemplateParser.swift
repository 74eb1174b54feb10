import Diagnostics

/// Makes statements of a template's tokens: the grammar of Jinja, less what chat templates do not use.
struct TemplateParser {
    /// How deep expressions and statements may lie within another.
    static let depthLimit = 60
    /// How many links one expression may have, such as the members of `a.b.c`.
    static let linkLimit = 400

    private let tokens: [TemplateToken]
    private var place = 0
    var depth = 0
    var links = 0
    private var loopDepth = 0

    private init(_ tokens: [TemplateToken]) {
        self.tokens = tokens
    }

    /// Throws ``Failure/Code/templateInvalid`` for what is no template, and ``Failure/Code/templateUnsupported`` for what
    /// is known of Jinja and not done here, both with the line.
    static func statements(of source: String) throws(Failure) -> [TemplateStatement] {
        var parser = TemplateParser(try TemplateLexer.tokens(of: source))
        let statements = try parser.body(until: [])
        guard parser.kind == .end else { throw parser.unexpected("the end") }
        return statements
    }

    // MARK: Tokens

    var kind: TemplateToken.Kind { tokens[place].kind }
    var line: Int { tokens[place].line }
    var next: TemplateToken.Kind { tokens[min(place + 1, tokens.count - 1)].kind }

    mutating func advance() {
        if place + 1 < tokens.count { place += 1 }
    }

    mutating func take(_ wanted: TemplateToken.Kind) -> Bool {
        guard kind == wanted else { return false }
        advance()
        return true
    }

    mutating func take(symbol: String) -> Bool { take(.symbol(symbol)) }

    mutating func take(word: String) -> Bool { take(.name(word)) }

    mutating func expect(_ wanted: TemplateToken.Kind) throws(Failure) {
        guard take(wanted) else { throw unexpected("\(wanted)") }
    }

    mutating func expect(symbol: String) throws(Failure) { try expect(.symbol(symbol)) }

    mutating func name(_ what: String) throws(Failure) -> String {
        guard case .name(let name) = kind else { throw unexpected(what) }
        advance()
        return name
    }

    func unexpected(_ expected: String) -> Failure {
        Failure(
            .templateInvalid, "the template is broken", object: "line \(line)", expected: expected, actual: "\(kind)")
    }

    func unsupported(_ what: String, _ name: String) -> Failure {
        Failure(
            .templateUnsupported, "\(what) of the template is not known here", object: "line \(line)", actual: name,
            hint: "--chat-template takes another template")
    }

    mutating func nested<Result>(
        _ body: (inout TemplateParser) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw Failure(.templateInvalid, "the template is nested too deeply", object: "line \(line)")
        }
        return try body(&self)
    }

    mutating func link() throws(Failure) {
        links += 1
        guard links <= Self.linkLimit else {
            throw Failure(.templateInvalid, "an expression of the template is too long", object: "line \(line)")
        }
    }

    // MARK: Statements

    /// Statements up to a block that begins with one of these words, whose word is not taken.
    private mutating func body(until ends: Set<String>) throws(Failure) -> [TemplateStatement] {
        try nested { (parser) throws(Failure) in
            var statements: [TemplateStatement] = []
            while parser.kind != .end {
                if case .text(let text) = parser.kind {
                    statements.append(.text(text))
                    parser.advance()
                    continue
                }
                let line = parser.line
                if parser.take(.outputBegin) {
                    let value = try parser.tuple()
                    try parser.expect(.outputEnd)
                    statements.append(.located(line: line, .output(value)))
                    continue
                }
                guard parser.kind == .blockBegin else { throw parser.unexpected("a tag") }
                if case .name(let word) = parser.next, ends.contains(word) { return statements }
                parser.advance()
                statements.append(.located(line: line, try parser.block()))
            }
            if let end = ends.sorted().last { throw parser.unexpected("{% \(end) %}") }
            return statements
        }
    }

    /// Passes the block with this word, the end of a body.
    private mutating func end(_ word: String) throws(Failure) {
        try expect(.blockBegin)
        try expect(.name(word))
        try expect(.blockEnd)
    }

    private mutating func block() throws(Failure) -> TemplateStatement {
        let word = try name("a word")
        switch word {
        case "if": return try branches()
        case "for": return try loop()
        case "set": return try assignment()
        case "macro": return try macro()
        case "generation":
            try expect(.blockEnd)
            let body = try body(until: ["endgeneration"])
            try end("endgeneration")
            return .group(body)
        case "break", "continue":
            guard loopDepth > 0 else { throw unexpected("a loop around `\(word)`") }
            try expect(.blockEnd)
            return word == "break" ? .leaveLoop : .nextElement
        case "elif", "else": throw unexpected("no `\(word)`, as nothing is open")
        case _ where word.hasPrefix("end"): throw unexpected("no `\(word)`, as nothing is open")
        default: throw unsupported("a statement", word)
        }
    }

    private mutating func branches() throws(Failure) -> TemplateStatement {
        var branches: [TemplateStatement.Branch] = []
        repeat {
            let condition = try tuple()
            try expect(.blockEnd)
            branches.append(.init(condition: condition, body: try body(until: ["elif", "else", "endif"])))
            try expect(.blockBegin)
        } while take(word: "elif")
        var otherwise: [TemplateStatement] = []
        if take(word: "else") {
            try expect(.blockEnd)
            otherwise = try body(until: ["endif"])
            try expect(.blockBegin)
        }
        try expect(.name("endif"))
        try expect(.blockEnd)
        return .branches(branches, otherwise: otherwise)
    }

    private mutating func loop() throws(Failure) -> TemplateStatement {
        let target = try targets(orMember: false)
        try expect(.name("in"))
        let elements = try tuple(withConditions: false)
        let condition = take(word: "if") ? try expression() : nil
        if kind == .name("recursive") { throw unsupported("a word", "recursive") }
        try expect(.blockEnd)
        loopDepth += 1
        let inside = try body(until: ["else", "endfor"])
        loopDepth -= 1
        try expect(.blockBegin)
        var otherwise: [TemplateStatement] = []
        if take(word: "else") {
            try expect(.blockEnd)
            otherwise = try body(until: ["endfor"])
            try expect(.blockBegin)
        }
        try expect(.name("endfor"))
        try expect(.blockEnd)
        return .loop(
            .init(target: target, elements: elements, condition: condition, body: inside, otherwise: otherwise))
    }

    private mutating func assignment() throws(Failure) -> TemplateStatement {
        let target = try targets(orMember: true)
        if take(symbol: "=") {
            let value = try tuple()
            try expect(.blockEnd)
            return .set(target, value)
        }
        var filters: [TemplateStatement.AppliedFilter] = []
        while take(symbol: "|") {
            let filter = try filterName()
            filters.append(.init(filter: filter, arguments: take(symbol: "(") ? try arguments() : .init()))
        }
        try expect(.blockEnd)
        let body = try body(until: ["endset"])
        try end("endset")
        return .capture(target, filters, body)
    }

    private mutating func targets(orMember: Bool) throws(Failure) -> TemplateTarget {
        var targets = [try target(orMember: orMember)]
        guard kind == .symbol(",") else { return targets[0] }
        while take(symbol: ","), beginsTarget { targets.append(try target(orMember: orMember)) }
        return .several(targets)
    }

    private var beginsTarget: Bool {
        if case .name = kind { true } else { kind == .symbol("(") }
    }

    private mutating func target(orMember: Bool) throws(Failure) -> TemplateTarget {
        if take(symbol: "(") {
            return try nested { (parser) throws(Failure) in
                let inner = try parser.targets(orMember: orMember)
                try parser.expect(symbol: ")")
                return inner
            }
        }
        let first = try name("a name")
        guard orMember, take(symbol: ".") else { return .name(first) }
        return .member(of: first, try name("a name"))
    }

    private mutating func macro() throws(Failure) -> TemplateStatement {
        let macroName = try name("a name")
        try expect(symbol: "(")
        var parameters: [TemplateStatement.Parameter] = []
        while !take(symbol: ")") {
            if !parameters.isEmpty { try expect(symbol: ",") }
            if !parameters.isEmpty, take(symbol: ")") { break }
            let parameter = try name("a parameter")
            parameters.append(.init(name: parameter, standard: take(symbol: "=") ? try expression() : nil))
        }
        try expect(.blockEnd)
        let outer = loopDepth
        loopDepth = 0
        let body = try body(until: ["endmacro"])
        loopDepth = outer
        try end("endmacro")
        return .macro(.init(name: macroName, parameters: parameters, body: body))
    }
}
