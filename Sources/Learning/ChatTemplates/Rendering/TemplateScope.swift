/// The names that are known at a place of a template: those of loops and macros lie within those around them.
final class TemplateScope {
    private let outer: TemplateScope?
    private var values: [String: TemplateValue] = [:]

    init(in outer: TemplateScope? = nil) {
        self.outer = outer
    }

    /// What is set counts here and within, and is gone with this scope.
    subscript(_ name: String) -> TemplateValue? {
        get {
            var scope: TemplateScope? = self
            while let some = scope {
                if let value = some.values[name] { return value }
                scope = some.outer
            }
            return nil
        }
        set { values[name] = newValue }
    }
}

/// A macro, with the names that are known where it stands.
final class TemplateMacro {
    let definition: TemplateStatement.Macro
    let scope: TemplateScope

    init(_ definition: TemplateStatement.Macro, in scope: TemplateScope) {
        self.definition = definition
        self.scope = scope
    }
}

/// What `loop` says of the loop it stands in.
final class LoopState {
    let elements: [TemplateValue]
    var index = 0
    /// What ``changed`` was asked about last.
    var earlier: [TemplateValue]?

    init(_ elements: [TemplateValue]) {
        self.elements = elements
    }

    subscript(_ name: String) -> TemplateValue? {
        switch name {
        case "index": .int(index + 1)
        case "index0": .int(index)
        case "revindex": .int(elements.count - index)
        case "revindex0": .int(elements.count - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(index == elements.count - 1)
        case "length": .int(elements.count)
        case "previtem": index > 0 ? elements[index - 1] : .undefined("loop.previtem")
        case "nextitem": index + 1 < elements.count ? elements[index + 1] : .undefined("loop.nextitem")
        case "depth": nil
        case "cycle", "changed": .method(name)
        default: nil
        }
    }
}
