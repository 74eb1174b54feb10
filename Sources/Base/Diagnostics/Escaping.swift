extension String {
    /// The text with everything that could move a cursor, color a terminal or reorder a line written as `\u{…}`.
    ///
    /// Names come from files we do not trust: controls, ANSI escapes, bidirectional overrides, line and paragraph
    /// separators, and invisible formatting characters are shown, never sent.
    package var escapedForTerminal: String {
        guard unicodeScalars.contains(where: \.needsEscape) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.needsEscape {
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    fileprivate var needsEscape: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
