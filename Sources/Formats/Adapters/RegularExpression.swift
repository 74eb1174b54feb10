package import Diagnostics

/// Regular expressions in Python's notation, without what makes matching one of them slow: back references and looking
/// around. All states are followed at once (Thompson, "Regular expression search algorithm", 1968), so that a match takes
/// time proportional to the lengths of expression and text multiplied, however the expression is made.
///
/// Known are literals, `.`, classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {m,n}` (also lazy, which changes
/// nothing about whether there is a match), and `^ $ \A \Z \b \B`.
package struct RegularExpression: Sendable {
    private let program: [Instruction]

    enum Instruction: Sendable {
        case scalar(ScalarSet)
        case condition(Condition)
        case jump(Int)
        case either(Int, Int)
        case match
    }

    /// What may be asked of a place between two characters.
    enum Condition: Sendable {
        case start
        case end
        /// The end, or before a newline that ends the text.
        case lineEnd
        case wordBoundary
        case noWordBoundary
    }

    /// The most instructions that an expression may come to; a count in braces repeats those of its operand.
    static let maximumSize = 1 << 13

    /// Throws ``Failure/Code/configInvalid`` for what Python would refuse, for what is not known here, and for counts
    /// that come to too much.
    package init(_ text: String) throws(Failure) {
        var parser = RegularExpressionParser(text)
        var compiler = Compiler()
        try compiler.append(try parser.parse())
        program = compiler.program + [.match]
    }

    /// Whether the text, or a beginning of it, matches: Python's `re.match`.
    package func matchesPrefix(of text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var states = StateSet(count: program.count)
        var next = states
        for place in 0...scalars.count {
            if place == 0 { follow(0, at: 0, in: scalars, into: &states) }
            if states.isMatch { return true }
            guard place < scalars.count, !states.members.isEmpty else { return false }
            next.removeAll()
            for state in states.members {
                if case .scalar(let set) = program[state], set.contains(scalars[place]) {
                    follow(state + 1, at: place + 1, in: scalars, into: &next)
                }
            }
            swap(&states, &next)
        }
        return false
    }

    /// Adds a state and all that it reaches without a character.
    private func follow(_ state: Int, at place: Int, in text: [Unicode.Scalar], into states: inout StateSet) {
        var waiting = [state]
        while let state = waiting.popLast() {
            guard states.insert(state) else { continue }
            switch program[state] {
            case .scalar: break
            case .match: states.isMatch = true
            case .jump(let target): waiting.append(target)
            case .either(let first, let second): waiting += [first, second]
            case .condition(let condition): if condition.holds(at: place, in: text) { waiting.append(state + 1) }
            }
        }
    }

    /// The states that are reached at one place.
    private struct StateSet {
        private(set) var members: [Int] = []
        private var isMember: [Bool]
        var isMatch = false

        init(count: Int) { isMember = [Bool](repeating: false, count: count) }

        mutating func insert(_ state: Int) -> Bool {
            if isMember[state] { return false }
            isMember[state] = true
            members.append(state)
            return true
        }

        mutating func removeAll() {
            for state in members { isMember[state] = false }
            members.removeAll(keepingCapacity: true)
            isMatch = false
        }
    }

    /// Turns the tree of an expression into instructions.
    private struct Compiler {
        private(set) var program: [Instruction] = []

        private mutating func emit(_ instruction: Instruction) throws(Failure) {
            guard program.count < RegularExpression.maximumSize else {
                throw Failure(
                    .configInvalid, "a regular expression comes to too much once its counts are written out",
                    expected: "at most \(RegularExpression.maximumSize) steps")
            }
            program.append(instruction)
        }

        mutating func append(_ node: RegularExpressionNode) throws(Failure) {
            switch node {
            case .set(let set): try emit(.scalar(set))
            case .condition(let condition): try emit(.condition(condition))
            case .sequence(let nodes): for node in nodes { try append(node) }
            case .choice(let branches): try append(choice: branches)
            case .repeated(let node, let least, let most): try append(node, least: least, most: most)
            }
        }

        private mutating func append(choice branches: [RegularExpressionNode]) throws(Failure) {
            var ends: [Int] = []
            for branch in branches.dropLast() {
                let fork = program.count
                try emit(.match)
                try append(branch)
                ends.append(program.count)
                try emit(.match)
                program[fork] = .either(fork + 1, program.count)
            }
            if let last = branches.last { try append(last) }
            for end in ends { program[end] = .jump(program.count) }
        }

        private mutating func append(_ node: RegularExpressionNode, least: Int, most: Int?) throws(Failure) {
            for _ in 0..<least {
                let before = program.count
                try append(node)
                // Nothing, however often.
                if program.count == before { return }
            }
            guard let most else {
                let fork = program.count
                try emit(.match)
                try append(node)
                try emit(.jump(fork))
                program[fork] = .either(fork + 1, program.count)
                return
            }
            var forks: [Int] = []
            for _ in least..<most {
                forks.append(program.count)
                try emit(.match)
                try append(node)
            }
            for fork in forks { program[fork] = .either(fork + 1, program.count) }
        }
    }
}

extension RegularExpression.Condition {
    fileprivate func holds(at place: Int, in text: [Unicode.Scalar]) -> Bool {
        switch self {
        case .start: return place == 0
        case .end: return place == text.count
        case .lineEnd: return place == text.count || place == text.count - 1 && text[place] == "\n"
        case .wordBoundary, .noWordBoundary:
            let before = place > 0 && ScalarSet.word.contains(text[place - 1])
            let after = place < text.count && ScalarSet.word.contains(text[place])
            return (before != after) == (self == .wordBoundary)
        }
    }
}
