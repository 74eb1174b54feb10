import Diagnostics

/// What a regular expression says, as a tree.
indirect enum RegularExpressionNode: Sendable {
    case set(ScalarSet)
    case condition(RegularExpression.Condition)
    case sequence([RegularExpressionNode])
    case choice([RegularExpressionNode])
    /// At least so often, and at most, if there is an end.
    case repeated(RegularExpressionNode, Int, Int?)
}

/// Reads the notation of Python's `re`.
struct RegularExpressionParser {
    private let text: [Unicode.Scalar]
    private var place = 0
    private var depth = 0

    /// The most groups within one another.
    private static let maximumDepth = 64

    init(_ text: String) {
        self.text = Array(text.unicodeScalars)
    }

    mutating func parse() throws(Failure) -> RegularExpressionNode {
        let node = try choice()
        guard place == text.count else { throw fail("a parenthesis too many") }
        return node
    }

    private func fail(_ what: String) -> Failure {
        Failure(.configInvalid, "a pattern for modules is no regular expression that is known here: \(what)")
    }

    private var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        place += 1
        return true
    }

    private mutating func choice() throws(Failure) -> RegularExpressionNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(Failure) -> RegularExpressionNode {
        var nodes: [RegularExpressionNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let node = try item()
            guard let (least, most) = try count() else {
                nodes.append(node)
                continue
            }
            if case .condition = node { throw fail("nothing to repeat") }
            _ = take("?")
            if next == "+" { throw fail("a possessive repetition") }
            if try count() != nil { throw fail("a repetition of a repetition") }
            nodes.append(.repeated(node, least, most))
        }
        return .sequence(nodes)
    }

    /// How often the item before is to be repeated, if something says so. Braces that hold no counts are literal.
    private mutating func count() throws(Failure) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = place
        guard take("{") else { return nil }
        let least = try number()
        let hasComma = take(",")
        let most = hasComma ? try number() : least
        guard take("}"), hasComma || least != nil else {
            place = start
            return nil
        }
        if let least, let most, least > most { throw fail("a count that ends before it begins") }
        return (least ?? 0, most)
    }

    private mutating func number() throws(Failure) -> Int? {
        var value: Int?
        while let digit = next.flatMap(Self.digit) {
            place += 1
            value = (value ?? 0) * 10 + digit
            guard value ?? 0 <= RegularExpression.maximumSize else { throw fail("a count that is too large") }
        }
        return value
    }

    private static func digit(_ scalar: Unicode.Scalar) -> Int? {
        ("0"..."9").contains(scalar) ? Int(scalar.value) - 48 : nil
    }

    private mutating func item() throws(Failure) -> RegularExpressionNode {
        let scalar = text[place]
        place += 1
        switch scalar {
        case ".": return .set(.any)
        case "^": return .condition(.start)
        case "$": return .condition(.lineEnd)
        case "(": return try group()
        case "[": return .set(try set())
        case "*", "+", "?": throw fail("nothing to repeat")
        case "{":
            place -= 1
            if try count() != nil { throw fail("nothing to repeat") }
            place += 1
            return .set(.one("{"))
        case "\\": return try escape()
        default: return .set(.one(scalar))
        }
    }

    private mutating func group() throws(Failure) -> RegularExpressionNode {
        if take("?") {
            if take("P") {
                guard take("<") else { throw fail("a reference to a group") }
                let start = place
                while let scalar = next, scalar == "_" || scalar.properties.isAlphabetic || Self.digit(scalar) != nil {
                    place += 1
                }
                guard place > start, Self.digit(text[start]) == nil, take(">") else { throw fail("a group's name") }
            } else if !take(":") {
                throw fail("a group of a special sort")
            }
        }
        depth += 1
        guard depth <= Self.maximumDepth else { throw fail("groups within too many others") }
        let node = try choice()
        guard take(")") else { throw fail("a parenthesis that is not closed") }
        depth -= 1
        // So that a condition in parentheses can be repeated, as in Python.
        return .sequence([node])
    }

    private mutating func escape() throws(Failure) -> RegularExpressionNode {
        switch next {
        case "A": return condition(.start)
        case "Z": return condition(.end)
        case "b": return condition(.wordBoundary)
        case "B": return condition(.noWordBoundary)
        default: return .set(try escapedSet())
        }
    }

    private mutating func condition(_ condition: RegularExpression.Condition) -> RegularExpressionNode {
        place += 1
        return .condition(condition)
    }

    /// What follows a backslash, as a set: a class, or one character.
    private mutating func escapedSet() throws(Failure) -> ScalarSet {
        guard let scalar = next else { throw fail("a backslash at the end") }
        place += 1
        switch scalar {
        case "d": return ScalarSet(classes: [(.digit, false)])
        case "D": return ScalarSet(classes: [(.digit, true)])
        case "w": return .word
        case "W": return ScalarSet(classes: [(.word, true)])
        case "s": return ScalarSet(classes: [(.space, false)])
        case "S": return ScalarSet(classes: [(.space, true)])
        case "n": return .one("\n")
        case "t": return .one("\t")
        case "r": return .one("\r")
        case "a"..."z", "A"..."Z", "0"..."9": throw fail("\\\(scalar)")
        default: return .one(scalar)
        }
    }

    /// What stands between brackets, after the first.
    private mutating func set() throws(Failure) -> ScalarSet {
        var set = ScalarSet()
        set.isInverted = take("^")
        let start = place
        while place == start || next != "]" {
            let first = try member()
            guard next == "-", place + 1 < text.count, text[place + 1] != "]" else {
                set.ranges += first.ranges
                set.classes += first.classes
                continue
            }
            place += 1
            let last = try member()
            guard let low = first.ranges.first?.lowerBound, let high = last.ranges.first?.upperBound, low <= high else {
                throw fail("a range that ends before it begins")
            }
            set.ranges.append(low...high)
        }
        place += 1
        return set
    }

    private mutating func member() throws(Failure) -> ScalarSet {
        guard let scalar = next else { throw fail("a bracket that is not closed") }
        place += 1
        return scalar == "\\" ? try escapedSet() : .one(scalar)
    }
}
