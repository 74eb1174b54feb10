import Diagnostics

extension TemplateValue {
    /// Whether two are equal to Python: numbers by value, all else of one kind only.
    func equals(_ other: TemplateValue) -> Bool {
        if let a = int, let b = other.int { return a == b }
        if let a = double, let b = other.double { return a == b }
        switch (self, other) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let a), .string(let b)): return a.equalsInBytes(b)
        case (.list(let a), .list(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { $0.equals($1) }
        case (.map(let a), .map(let b)):
            return a.count == b.count && a.members.allSatisfy { b[$0.key]?.equals($0.value) == true }
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.loop(let a), .loop(let b)): return a === b
        case (.macro(let a), .macro(let b)): return a === b
        case (.function(let a), .function(let b)): return a == b
        default: return false
        }
    }

    /// Whether it comes before another; nil for what has no order.
    func precedes(_ other: TemplateValue) -> Bool? {
        if let a = int, let b = other.int { return a < b }
        if let a = double, let b = other.double { return a < b }
        switch (self, other) {
        case (.string(let a), .string(let b)): return a.precedesInBytes(b)
        case (.list(let a), .list(let b)):
            for (x, y) in zip(a, b) where !x.equals(y) { return x.precedes(y) }
            return a.count < b.count
        default: return nil
        }
    }
}
