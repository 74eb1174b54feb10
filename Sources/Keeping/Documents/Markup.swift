import Diagnostics

extension String {
    /// The text as HTML and SVG hold it, within elements and quoted attributes.
    ///
    /// Names come from files we do not trust: what could move a cursor or turn a line around is written out, and what
    /// markup is made of is escaped.
    package var escapedForMarkup: String {
        var text = ""
        for scalar in escapedForTerminal.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
