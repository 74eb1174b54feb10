/// What a template computes.
indirect enum TemplateExpression: Sendable {
    enum Operator: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case divideToFloor = "//"
        case remainder = "%"
        case power = "**"
    }

    enum Comparator: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case isIn = "in"
        case isNotIn = "not in"
    }

    struct Comparison: Sendable {
        let comparator: Comparator
        let operand: TemplateExpression
    }

    struct Pair: Sendable {
        let key: TemplateExpression
        let value: TemplateExpression
    }

    struct Slice: Sendable {
        let start: TemplateExpression?
        let stop: TemplateExpression?
        let step: TemplateExpression?
    }

    struct Arguments: Sendable {
        var values: [TemplateExpression] = []
        var named: [(name: String, value: TemplateExpression)] = []
    }

    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case name(String)
    case list([TemplateExpression])
    case map([Pair])
    case member(TemplateExpression, String)
    case element(TemplateExpression, TemplateExpression)
    case slice(TemplateExpression, Slice)
    case call(TemplateExpression, Arguments)
    case filter(TemplateExpression, TemplateFilter, Arguments)
    case test(TemplateExpression, TemplateTest, Arguments)
    case not(TemplateExpression)
    case negative(TemplateExpression)
    case binary(Operator, TemplateExpression, TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)
    case comparison(TemplateExpression, [Comparison])
    case concatenation([TemplateExpression])
    case conditional(TemplateExpression, if: TemplateExpression, else: TemplateExpression?)
    /// What begins on this line of the source.
    case located(line: Int, TemplateExpression)
}

/// What `set` and `for` give a value to.
indirect enum TemplateTarget: Sendable {
    case name(String)
    case member(of: String, String)
    case several([TemplateTarget])
}

/// What a template does.
indirect enum TemplateStatement: Sendable {
    struct Branch: Sendable {
        let condition: TemplateExpression
        let body: [TemplateStatement]
    }

    struct Loop: Sendable {
        let target: TemplateTarget
        let elements: TemplateExpression
        let condition: TemplateExpression?
        let body: [TemplateStatement]
        let otherwise: [TemplateStatement]
    }

    struct Parameter: Sendable {
        let name: String
        let standard: TemplateExpression?
    }

    struct Macro: Sendable {
        let name: String
        let parameters: [Parameter]
        let body: [TemplateStatement]
    }

    struct AppliedFilter: Sendable {
        let filter: TemplateFilter
        let arguments: TemplateExpression.Arguments
    }

    case text(String)
    case output(TemplateExpression)
    case branches([Branch], otherwise: [TemplateStatement])
    case loop(Loop)
    case set(TemplateTarget, TemplateExpression)
    case capture(TemplateTarget, [AppliedFilter], [TemplateStatement])
    case macro(Macro)
    /// What stands in a block that only marks it.
    case group([TemplateStatement])
    case leaveLoop
    case nextElement
    case located(line: Int, TemplateStatement)
}
