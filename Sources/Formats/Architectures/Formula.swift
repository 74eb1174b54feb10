package import Diagnostics

/// A closed formula over whole numbers that have names. Its value and its text come from one tree, so that what is
/// explained is what was computed.
package indirect enum Formula: Hashable, Sendable {
    /// A quantity: how it is written in symbols, and what it is.
    case quantity(String, Int)
    case sum([Formula])
    case product([Formula])
    /// A quotient, rounded up.
    case quotient(Formula, Int)

    /// What it comes to, refusing with ``Failure/Code/shapeOverflow`` what does not fit 63 bits, and a quantity below zero.
    package func value() throws(Failure) -> Int {
        switch self {
        case .quantity(let name, let value):
            guard value >= 0 else {
                throw Failure(.shapeOverflow, "a size is negative", object: name, actual: "\(value)")
            }
            return value
        case .sum(let terms):
            var sum = 0
            for term in terms { sum = try Self.fitting(sum.addingReportingOverflow(try term.value()), self) }
            return sum
        case .product(let factors):
            var product = 1
            for factor in factors {
                product = try Self.fitting(product.multipliedReportingOverflow(by: try factor.value()), self)
            }
            return product
        case .quotient(let dividend, let divisor):
            let dividend = try dividend.value()
            return dividend / divisor + (dividend % divisor).signum()
        }
    }

    private static func fitting(
        _ result: (partialValue: Int, overflow: Bool), _ formula: Formula
    ) throws(Failure) -> Int {
        guard !result.overflow else {
            throw Failure(
                .shapeOverflow, "the sizes come to more than can be counted", object: formula.numbers(String.init(_:)))
        }
        return result.partialValue
    }

    /// In symbols: "2·r·(in + out)".
    package var symbols: String { text("·") { name, _ in name } }

    /// With its numbers put in: "2 · 8 · (4,096 + 4,096)".
    package func numbers(_ format: (Int) -> String) -> String { text(" · ") { _, value in format(value) } }

    private func text(_ dot: String, _ quantity: (String, Int) -> String) -> String {
        switch self {
        case .quantity(let name, let value): quantity(name, value)
        case .sum(let terms): terms.isEmpty ? "0" : terms.map { $0.text(dot, quantity) }.joined(separator: " + ")
        case .product(let factors): factors.map { $0.operand(dot, quantity) }.joined(separator: dot)
        case .quotient(let dividend, let divisor): "⌈" + dividend.text(dot, quantity) + " / \(divisor)⌉"
        }
    }

    private func operand(_ dot: String, _ quantity: (String, Int) -> String) -> String {
        if case .sum(let terms) = self, terms.count > 1 { return "(" + text(dot, quantity) + ")" }
        return text(dot, quantity)
    }
}

extension Formula: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int) { self = .quantity("\(value)", value) }

    package static func + (a: Formula, b: Formula) -> Formula { .sum(a.terms + b.terms) }
    package static func * (a: Formula, b: Formula) -> Formula { .product(a.factors + b.factors) }

    private var terms: [Formula] { if case .sum(let terms) = self { terms } else { [self] } }
    private var factors: [Formula] { if case .product(let factors) = self { factors } else { [self] } }
}
