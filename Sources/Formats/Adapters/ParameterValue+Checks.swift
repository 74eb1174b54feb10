package import Diagnostics

extension ParameterValue {
    /// Refuses NaN and infinities, however deep.
    package func checkFinite(name: String) throws(Failure) {
        switch self {
        case .null, .bool, .int, .string: return
        case .double(let value):
            guard value.isFinite else {
                throw Failure(.badParameter, "the parameter \(name) is not finite", actual: "\(value)")
            }
        case .list(let values):
            for value in values { try value.checkFinite(name: name) }
        case .map(let members):
            for member in members { try member.value.checkFinite(name: "\(name).\(member.key)") }
        }
    }

    /// The value on one line, shortened.
    package var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "\"\(value.count > 40 ? value.prefix(37) + "…" : value)\""
        case .list(let values): "a list of \(values.count)"
        case .map(let members): "a map of \(members.count)"
        }
    }
}

extension ParameterValue: ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringLiteral,
    ExpressibleByFloatLiteral
{
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
}
