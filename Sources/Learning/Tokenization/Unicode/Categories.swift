/// Classes of characters as the parts of other tokenizers have them, each of the version of Unicode that it knows.
extension Unicode.Scalar {
    /// Whether the character was assigned in a version of Unicode, or is for private use.
    func isAssigned(by version: Int) -> Bool {
        if let age = properties.age { return age.major <= version }
        return properties.generalCategory == .privateUse
    }

    /// White space, of every version of Unicode since 6.3.
    var isWhitespace: Bool {
        switch value {
        case 0x09...0x0D, 0x20: true
        case 0..<0x85: false
        case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// Punctuation for BERT, of Unicode 8, and all marks of ASCII.
    var isPunctuation: Bool {
        if isASCII {
            switch value {
            case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
            default: return false
            }
        }
        switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return isAssigned(by: 8)
        default: return value == 0x166D || value == 0x111C9
        }
    }

    /// What BERT leaves out of a text: controls, formats and private use, of Unicode 8, and what stands for errors.
    var isControl: Bool {
        switch self {
        case "\t", "\n", "\r": return false
        case "\u{0}", "\u{FFFD}": return true
        default: break
        }
        switch properties.generalCategory {
        case .control, .format, .privateUse: return isAssigned(by: 8)
        default: return false
        }
    }

    /// A mark without a width of its own, of Unicode 8: what BERT takes accents for.
    var isAccent: Bool {
        if value < 0x300 { return false }
        switch value {
        case 0x1734: return true
        case 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
        default: return properties.generalCategory == .nonspacingMark && isAssigned(by: 8)
        }
    }

    /// A mark of any kind, of Unicode 9.
    var isMark: Bool {
        if value < 0x300 { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return value != 0x111C9 && isAssigned(by: 9)
        default: return value == 0x1CF2 || value == 0x1CF3
        }
    }

    /// An ideograph that BERT sets alone.
    var isIdeograph: Bool {
        switch value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF,
            0xF900...0xFAFF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }
}
