import Diagnostics

/// Cuts a template's source into tokens, with the white space around tags as Jinja has it where `trim_blocks` and
/// `lstrip_blocks` are set: the line end after a block goes, and what a line has before a block, if it is only blanks.
struct TemplateLexer {
    private let source: [Unicode.Scalar]
    private var place = 0
    private var line = 1
    private var tokens: [TemplateToken] = []
    /// Whether what was passed last ended a line, or nothing was passed.
    private var isAtLineStart = true

    private enum Tag {
        case output, block, comment
    }

    private init(_ text: String) {
        var scalars: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
            scalars.append(scalar)
        }
        source = scalars.map { $0 == "\r" ? "\n" : $0 }
    }

    /// All tokens, the last of which is the end. One line end at the end of the source is no part of it.
    ///
    /// Throws ``Failure/Code/templateInvalid`` with the line of what is no token.
    static func tokens(of text: String) throws(Failure) -> [TemplateToken] {
        var lexer = TemplateLexer(text)
        try lexer.scan()
        return lexer.tokens
    }

    private var end: Int { source.last == "\n" ? source.count - 1 : source.count }

    private mutating func scan() throws(Failure) {
        while place < end {
            guard let (start, tag) = nextTag() else {
                add(.text(text(place..<end)))
                pass(to: end)
                break
            }
            let sign = at(start + 2)
            addText(to: start, sign: sign, isBlock: tag != .output)
            let inside = start + 2 + (sign == "-" || sign == "+" ? 1 : 0)
            pass(to: inside)
            switch tag {
            case .comment: try passComment()
            case .block where isRaw(): try addRaw()
            case .block:
                add(.blockBegin)
                try addTag(closing: "%")
            case .output:
                add(.outputBegin)
                try addTag(closing: "}")
            }
        }
        add(.end)
    }

    // MARK: Text

    private func nextTag() -> (start: Int, Tag)? {
        var index = place
        while index + 1 < end {
            if source[index] == "{" {
                switch source[index + 1] {
                case "{": return (index, .output)
                case "%": return (index, .block)
                case "#": return (index, .comment)
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    /// The text up to a tag, less what the tag takes of it.
    private mutating func addText(to start: Int, sign: Unicode.Scalar?, isBlock: Bool) {
        var last = start
        if sign == "-" {
            while last > place, source[last - 1].isPythonSpace { last -= 1 }
        } else if sign != "+", isBlock {
            var index = start
            while index > place, source[index - 1] != "\n" { index -= 1 }
            let beginsLine = index > place || isAtLineStart
            if beginsLine, source[index..<start].allSatisfy(\.isPythonSpace) { last = index }
        }
        if last > place { add(.text(text(place..<last))) }
        pass(to: start)
    }

    private mutating func passComment() throws(Failure) {
        var index = place
        while index + 1 < end, !(source[index] == "#" && source[index + 1] == "}") { index += 1 }
        guard index + 1 < end else { throw invalid("a comment does not end") }
        let isTight = index > place && source[index - 1] == "-"
        let keeps = index > place && source[index - 1] == "+"
        pass(to: index + 2)
        finishTag(isTight: isTight, trims: !keeps)
    }

    private func isRaw() -> Bool {
        var index = spaceEnd(from: place)
        for scalar in "raw".unicodeScalars {
            guard at(index) == scalar else { return false }
            index += 1
        }
        index = spaceEnd(from: index)
        if at(index) == "-" { index += 1 }
        return at(index) == "%" && at(index + 1) == "}"
    }

    /// What stands between `raw` and `endraw`, as it is.
    private mutating func addRaw() throws(Failure) {
        var index = place
        while source[index] != "%" { index += 1 }
        let isTight = source[index - 1] == "-"
        pass(to: index + 2)
        if isTight { pass(to: spaceEnd(from: place)) }
        let first = place
        while let (start, tag) = nextTag() {
            let sign = at(start + 2)
            var index = spaceEnd(from: start + 2 + (sign == "-" || sign == "+" ? 1 : 0))
            let word = "endraw".unicodeScalars
            if tag == .block, source[index...].starts(with: word) {
                index = spaceEnd(from: index + word.count)
                let closing = at(index)
                if closing == "-" || closing == "+" { index += 1 }
                if at(index) == "%", at(index + 1) == "}" {
                    place = first
                    addText(to: start, sign: sign, isBlock: true)
                    pass(to: index + 2)
                    finishTag(isTight: closing == "-", trims: closing != "+")
                    return
                }
            }
            place = start + 2
        }
        throw invalid("`raw` has no `endraw`")
    }

    // MARK: Tags

    /// The tokens up to the end of a tag: `%}` or `}}`, where no bracket is open.
    private mutating func addTag(closing: Unicode.Scalar) throws(Failure) {
        var open: [Unicode.Scalar] = []
        let isBlock = closing == "%"
        while true {
            pass(to: spaceEnd(from: place))
            guard place < end else { throw invalid("a tag does not end") }
            let scalar = source[place]
            if open.isEmpty {
                let isSigned = scalar == "-" || isBlock && scalar == "+"
                let mark = place + (isSigned ? 1 : 0)
                if at(mark) == closing, at(mark + 1) == "}" {
                    add(isBlock ? .blockEnd : .outputEnd)
                    pass(to: mark + 2)
                    finishTag(isTight: isSigned && scalar == "-", trims: isBlock && !isSigned)
                    return
                }
            }
            if scalar.isDigit {
                try addNumber()
            } else if scalar == "_" || scalar.properties.isXIDStart {
                var last = place
                while let next = at(last), next == "_" || next.properties.isXIDContinue { last += 1 }
                add(.name(text(place..<last)))
                pass(to: last)
            } else if scalar == "'" || scalar == "\"" {
                try addString(scalar)
            } else {
                try addSymbol(&open)
            }
        }
    }

    private mutating func finishTag(isTight: Bool, trims: Bool) {
        if isTight {
            pass(to: spaceEnd(from: place))
        } else if trims, place < end, source[place] == "\n" {
            pass(to: place + 1)
        }
        isAtLineStart = source[place - 1] == "\n"
    }

    private static let symbols = [
        "//", "**", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", "<", ">", "=",
        ".", ":", "|", ",",
    ]

    private mutating func addSymbol(_ open: inout [Unicode.Scalar]) throws(Failure) {
        guard let symbol = Self.symbols.first(where: { source[place..<end].starts(with: $0.unicodeScalars) }) else {
            throw invalid("this character means nothing here", actual: "\(source[place])")
        }
        switch symbol {
        case "(": open.append(")")
        case "[": open.append("]")
        case "{": open.append("}")
        case ")", "]", "}":
            guard open.popLast() == source[place] else { throw invalid("a bracket closes none", actual: symbol) }
        default: break
        }
        add(.symbol(symbol))
        pass(to: place + symbol.unicodeScalars.count)
    }

    private mutating func addNumber() throws(Failure) {
        var last = place
        func passDigits() { while let next = at(last), next.isDigit || next == "_" { last += 1 } }
        passDigits()
        var isDecimal = false
        let isMember = place > 0 && source[place - 1] == "."
        if !isMember, at(last) == ".", at(last + 1)?.isDigit == true {
            isDecimal = true
            last += 1
            passDigits()
        }
        if !isMember, let letter = at(last), letter == "e" || letter == "E" {
            let signed = at(last + 1) == "-" || at(last + 1) == "+" ? last + 2 : last + 1
            if at(signed)?.isDigit == true {
                isDecimal = true
                last = signed
                passDigits()
            }
        }
        let text = String(text(place..<last).unicodeScalars.filter { $0 != "_" })
        if isDecimal, let value = Double(text), value.isFinite {
            add(.decimal(value))
        } else if !isDecimal, let value = Int(text) {
            add(.integer(value))
        } else {
            throw invalid("the number is too large", actual: text)
        }
        pass(to: last)
    }

    private mutating func addString(_ quote: Unicode.Scalar) throws(Failure) {
        let begin = line
        var last = place + 1
        while let scalar = at(last), scalar != quote { last += scalar == "\\" ? 2 : 1 }
        guard last < end else { throw invalid("a string does not end") }
        let value = try StringEscapes.resolved(source[(place + 1)..<last], line: begin)
        tokens.append(TemplateToken(kind: .string(value), line: begin))
        pass(to: last + 1)
    }

    // MARK: Places

    private func at(_ index: Int) -> Unicode.Scalar? { index < end ? source[index] : nil }

    private func spaceEnd(from index: Int) -> Int {
        var index = index
        while let scalar = at(index), scalar.isPythonSpace { index += 1 }
        return index
    }

    private func text(_ range: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: source[range])
        return String(text)
    }

    private mutating func add(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, line: line))
    }

    private mutating func pass(to next: Int) {
        guard next > place else { return }
        line += source[place..<next].count { $0 == "\n" }
        isAtLineStart = source[next - 1] == "\n"
        place = next
    }

    private func invalid(_ what: String, actual: String? = nil) -> Failure {
        Failure(.templateInvalid, what, object: "line \(line)", actual: actual)
    }
}
