/// What the patterns of pre-tokenizers tell apart.
enum CharacterClass: UInt8, Sendable {
    case other, letter, number
    /// White space but for carriage return and line feed.
    case space
    /// Carriage return or line feed.
    case newline

    var isWhitespace: Bool { self == .space || self == .newline }

    /// The class of a character, as `\p{L}`, `\p{N}` and `\s` of Unicode 16 have it.
    ///
    /// The version is that of the regular expressions in other tokenizers; a standard library that knows a later one
    /// must not give other tokens.
    static func of(_ scalar: Unicode.Scalar) -> CharacterClass {
        scalar.value < UInt32(table.count) ? table[Int(scalar.value)] : computed(scalar)
    }

    /// The classes of the basic multilingual plane, made once.
    private static let table: [CharacterClass] = (0..<0x10000).map { (value: UInt32) in
        Unicode.Scalar(value).map(computed) ?? .other
    }

    private static func computed(_ scalar: Unicode.Scalar) -> CharacterClass {
        if scalar == "\n" || scalar == "\r" { return .newline }
        let found: CharacterClass
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: found = .letter
        case .decimalNumber, .letterNumber, .otherNumber: found = .number
        default: return scalar.isWhitespace ? .space : .other
        }
        guard let age = scalar.properties.age, age.major <= 16 else { return .other }
        return found
    }
}

extension Unicode.Scalar {
    /// Of the general categories Nd, Nl and No, whatever the version of Unicode.
    var isNumeric: Bool {
        if isASCII { return ("0"..."9").contains(self) }
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: return true
        default: return false
        }
    }

    /// What `\w` means: letters, marks, decimal digits, connectors and joiners, of Unicode 16.
    var isWord: Bool {
        if isASCII { return self == "_" || ("0"..."9").contains(self) || properties.isAlphabetic }
        guard isAssigned(by: 16) else { return false }
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
