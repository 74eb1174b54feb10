/// Characters that a step of a regular expression accepts.
struct ScalarSet: Sendable {
    enum Class: Sendable {
        case digit
        case word
        case space

        /// As Python's `str.isdecimal`, `str.isalnum` or `_`, and `str.isspace`.
        func contains(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .digit: scalar.properties.generalCategory == .decimalNumber
            case .word: scalar == "_" || scalar.properties.isLetterOrNumber
            case .space: scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
            }
        }
    }

    var ranges: [ClosedRange<UInt32>] = []
    var classes: [(class: Class, isInverted: Bool)] = []
    var isInverted = false

    static let word = ScalarSet(classes: [(.word, false)])
    /// `.`: all but a newline.
    static let any = ScalarSet(ranges: [10...10], isInverted: true)

    static func one(_ scalar: Unicode.Scalar) -> ScalarSet { ScalarSet(ranges: [scalar.value...scalar.value]) }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let isMember =
            ranges.contains { $0.contains(scalar.value) }
            || classes.contains { $0.class.contains(scalar) != $0.isInverted }
        return isMember != isInverted
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isLetterOrNumber: Bool {
        switch generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: numericType != nil
        }
    }
}
