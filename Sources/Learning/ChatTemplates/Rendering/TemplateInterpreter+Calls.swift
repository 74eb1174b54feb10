import Diagnostics

extension TemplateInterpreter {
    private static var functions: Set<String> {
        ["namespace", "dict", "range", "raise_exception", "strftime_now", "joiner", "cycler", "lipsum"]
    }

    /// What a name stands for that nothing was set for.
    func function(_ name: String) -> TemplateValue {
        guard Self.functions.contains(name), name != "strftime_now" || date != nil else { return .undefined(name) }
        return .function(name)
    }

    mutating func call(
        _ callee: TemplateExpression, _ given: TemplateExpression.Arguments
    ) throws(Failure) -> TemplateValue {
        let line = line
        if case .member(let ownerExpression, let name) = callee.unlocated {
            let owner = try value(ownerExpression)
            let arguments = try arguments(given)
            self.line = line
            if let called = owner.called(name) { return try call(called, arguments, name: name) }
            return try method(name, of: owner, arguments)
        }
        let called = try value(callee)
        let arguments = try arguments(given)
        self.line = line
        return try call(called, arguments, name: "this")
    }

    private mutating func call(
        _ called: TemplateValue, _ arguments: TemplateArguments, name: String
    ) throws(Failure) -> TemplateValue {
        switch called {
        case .macro(let macro): return try call(macro, arguments)
        case .function(let name): return try function(name, arguments)
        case .undefined("strftime_now"):
            throw refused("the template asks for today's date, which is not given to it").hint(
                "what is trained on must not change from day to day; put the date into the data or the template")
        default: throw refused("\(name) cannot be called", called)
        }
    }

    private mutating func function(_ name: String, _ arguments: TemplateArguments) throws(Failure) -> TemplateValue {
        switch name {
        case "raise_exception":
            let message = try arguments.values.first.map { value throws(Failure) in try text(of: value) } ?? ""
            throw Failure(.templateRefused, "the chat template refuses the conversation", cause: message)
        case "namespace", "dict":
            var members = TemplateMap()
            if case .map(let map)? = arguments.values.first { members = map }
            for (name, value) in arguments.named { members[name] = value }
            return name == "dict" ? .map(members) : .namespace(TemplateNamespace(members))
        case "range": return try range(arguments)
        case "strftime_now":
            guard let date, let format = arguments.values.first?.string else { throw refused("a date needs a format") }
            return .string(try date.text(format, line: line))
        default:
            throw Failure(
                .templateUnsupported, "a function of the template is not known here",
                object: "line \(line) of the template", actual: name)
        }
    }

    private mutating func range(_ arguments: TemplateArguments) throws(Failure) -> TemplateValue {
        let bounds = arguments.values.compactMap(\.int)
        guard bounds.count == arguments.values.count, (1...3).contains(bounds.count) else {
            throw refused("a range needs one to three integers")
        }
        let step = bounds.count == 3 ? bounds[2] : 1
        let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        guard step != 0 else { throw refused("a range with a step of 0 never ends") }
        var values: [TemplateValue] = []
        for number in stride(from: start, to: stop, by: step) {
            try budget.spend()
            values.append(.int(number))
        }
        return .list(values)
    }
}

extension TemplateExpression {
    fileprivate var unlocated: TemplateExpression {
        if case .located(_, let inner) = self { inner.unlocated } else { self }
    }
}

extension TemplateValue {
    /// The member of this name, where what is called is a value of its own and no method.
    fileprivate func called(_ name: String) -> TemplateValue? {
        switch self {
        case .namespace(let namespace): namespace.members[name] ?? .undefined(name)
        case .map(let map): TemplateMethods.ofMaps.contains(name) ? nil : map[name] ?? .undefined(name)
        default: nil
        }
    }
}
