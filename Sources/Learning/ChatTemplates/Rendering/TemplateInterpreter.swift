import Diagnostics

/// Does what a template says, statement by statement.
struct TemplateInterpreter {
    /// How deep macros may call another.
    private static let callLimit = 40

    private enum Flow {
        case on, leaveLoop, nextElement
    }

    let date: ChatDate?
    var budget = TemplateBudget()
    var scope = TemplateScope()
    /// The line that is done.
    var line = 0
    private(set) var output = ""
    private var calls = 0

    init(date: ChatDate?) {
        self.date = date
    }

    /// What went wrong with a value.
    func refused(_ what: String, _ value: TemplateValue? = nil) -> Failure {
        Failure(.templateRefused, what, object: "line \(line) of the template", actual: value?.kind)
    }

    // MARK: Statements

    mutating func run(_ statements: [TemplateStatement]) throws(Failure) {
        _ = try flow(statements)
    }

    private mutating func flow(_ statements: [TemplateStatement]) throws(Failure) -> Flow {
        for statement in statements {
            let flow = try flow(statement)
            if flow != .on { return flow }
        }
        return .on
    }

    private mutating func flow(_ statement: TemplateStatement) throws(Failure) -> Flow {
        try budget.spend()
        switch statement {
        case .located(let line, let inner):
            self.line = line
            return try flow(inner)
        case .text(let text): try write(text)
        case .output(let expression): try write(try text(of: try value(expression)))
        case .branches(let branches, let otherwise):
            for branch in branches where try value(branch.condition).isTrue { return try flow(branch.body) }
            return try flow(otherwise)
        case .loop(let loop): return try flow(loop)
        case .set(let target, let expression): try set(target, try value(expression))
        case .capture(let target, let filters, let body):
            var value = TemplateValue.string(try captured(body, in: TemplateScope(in: scope)))
            for applied in filters { value = try filtered(value, applied.filter, try arguments(applied.arguments)) }
            try set(target, value)
        case .macro(let definition): scope[definition.name] = .macro(TemplateMacro(definition, in: scope))
        case .group(let body): return try flow(body)
        case .leaveLoop: return .leaveLoop
        case .nextElement: return .nextElement
        }
        return .on
    }

    private mutating func write(_ text: String) throws(Failure) {
        try budget.spend(bytes: text.utf8.count)
        output += text
    }

    /// As it is printed.
    mutating func text(of value: TemplateValue) throws(Failure) -> String {
        guard let text = value.text else { throw refused("this has no text", value) }
        if value.string == nil { try budget.spend(bytes: text.utf8.count) }
        return text
    }

    private mutating func flow(_ loop: TemplateStatement.Loop) throws(Failure) -> Flow {
        let outer = scope
        defer { scope = outer }
        var elements = try elements(of: try value(loop.elements))
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for element in elements {
                scope = TemplateScope(in: outer)
                try set(loop.target, element)
                if try value(condition).isTrue { kept.append(element) }
            }
            elements = kept
        }
        guard !elements.isEmpty else {
            scope = outer
            return try flow(loop.otherwise)
        }
        let state = LoopState(elements)
        for (index, element) in elements.enumerated() {
            try budget.spend()
            state.index = index
            scope = TemplateScope(in: outer)
            scope["loop"] = .loop(state)
            try set(loop.target, element)
            if try flow(loop.body) == .leaveLoop { break }
        }
        return .on
    }

    /// What a loop goes through: elements, keys, or characters.
    mutating func elements(of value: TemplateValue) throws(Failure) -> [TemplateValue] {
        let elements: [TemplateValue]
        switch value {
        case .list(let list): elements = list
        case .map(let map): elements = map.members.map(\.key)
        case .string(let text):
            try budget.spend(steps: text.utf8.count)
            elements = text.unicodeScalars.map { .string(String($0)) }
        case .undefined: elements = []
        default: throw refused("this has no elements", value)
        }
        try budget.spend(steps: elements.count)
        return elements
    }

    private mutating func set(_ target: TemplateTarget, _ value: TemplateValue) throws(Failure) {
        switch target {
        case .name(let name): scope[name] = value
        case .member(let name, let member):
            guard case .namespace(let namespace)? = scope[name] else {
                throw refused("only members of a namespace can be set", scope[name])
            }
            namespace.members[member] = value
        case .several(let targets):
            let elements = try elements(of: value)
            guard elements.count == targets.count else {
                throw refused("\(elements.count) values cannot be given to \(targets.count) names")
            }
            for (target, element) in zip(targets, elements) { try set(target, element) }
        }
    }

    /// What statements print, instead of printing it.
    private mutating func captured(
        _ body: [TemplateStatement], in inner: TemplateScope
    ) throws(Failure) -> String {
        let (outer, before) = (scope, output)
        scope = inner
        output = ""
        defer { (scope, output) = (outer, before) }
        try run(body)
        return output
    }

    // MARK: Macros

    mutating func call(_ macro: TemplateMacro, _ arguments: TemplateArguments) throws(Failure) -> TemplateValue {
        calls += 1
        defer { calls -= 1 }
        guard calls <= Self.callLimit else { throw refused("macros call another without an end") }
        let parameters = macro.definition.parameters
        let name = macro.definition.name
        guard arguments.values.count <= parameters.count else { throw refused("`\(name)` has too many arguments") }
        if let stray = arguments.named.first(where: { named in !parameters.contains { $0.name == named.name } }) {
            throw refused("`\(name)` has no argument `\(stray.name)`")
        }
        let outer = scope
        let inner = TemplateScope(in: macro.scope)
        scope = inner
        defer { scope = outer }
        for (index, parameter) in parameters.enumerated() {
            if index < arguments.values.count {
                inner[parameter.name] = arguments.values[index]
            } else if let value = arguments[parameter.name] {
                inner[parameter.name] = value
            } else {
                inner[parameter.name] =
                    try parameter.standard.map { standard throws(Failure) in try value(standard) }
                    ?? .undefined(parameter.name)
            }
        }
        let here = line
        let text = try captured(macro.definition.body, in: inner)
        line = here
        return .string(text)
    }
}

/// What a function, filter or macro is given.
struct TemplateArguments {
    var values: [TemplateValue] = []
    var named: [(name: String, value: TemplateValue)] = []

    /// The argument of a name, wherever it stands in order; nil where it was not given.
    func value(_ index: Int, _ name: String) -> TemplateValue? {
        index < values.count ? values[index] : self[name]
    }

    subscript(_ name: String) -> TemplateValue? { named.first { $0.name == name }?.value }
}
