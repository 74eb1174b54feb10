extension Unicode.Scalar {
    /// White space to Python's `str.strip` and to `\s` of its patterns.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    var isDigit: Bool { ("0"..."9").contains(self) }

    /// Whether Python's `repr` shows it as it is.
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}

extension String {
    /// Of code points, as Python counts.
    var scalarCount: Int { unicodeScalars.count }

    /// Without what `isStripped` says at the ends asked for.
    func stripped(
        left: Bool = true, right: Bool = true, _ isStripped: (Unicode.Scalar) -> Bool = \.isPythonSpace
    ) -> String {
        var view = unicodeScalars[...]
        if left { view = view.drop(while: isStripped) }
        if right { while let last = view.last, isStripped(last) { view.removeLast() } }
        return String(view)
    }

    func hasBytes(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    func endsInBytes(_ suffix: String) -> Bool {
        utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// Where `part` stands, by bytes, without overlaps and at most `limit` times; none for an empty one. The time is
    /// linear, whatever the texts (Knuth, Morris and Pratt, 1977).
    func places(of part: String, limit: Int = .max) -> [Int] {
        let pattern = Array(part.utf8)
        guard !pattern.isEmpty, limit > 0 else { return [] }
        var borders = [Int](repeating: 0, count: pattern.count)
        var matched = 0
        for index in pattern.indices.dropFirst() {
            while matched > 0, pattern[index] != pattern[matched] { matched = borders[matched - 1] }
            if pattern[index] == pattern[matched] { matched += 1 }
            borders[index] = matched
        }
        var places: [Int] = []
        matched = 0
        for (index, byte) in utf8.enumerated() {
            while matched > 0, byte != pattern[matched] { matched = borders[matched - 1] }
            if byte == pattern[matched] { matched += 1 }
            guard matched == pattern.count else { continue }
            places.append(index + 1 - pattern.count)
            if places.count == limit { break }
            matched = 0
        }
        return places
    }

    /// The parts between those places.
    func parts(between separator: String, limit: Int = .max) -> [String] {
        let bytes = Array(utf8)
        var parts: [String] = []
        var start = 0
        for place in places(of: separator, limit: limit) {
            parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
            start = place + separator.utf8.count
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    /// With every `old` made `new`; an empty one stands before every character and at the end.
    func replacing(every old: String, with new: String, limit: Int = .max) -> String {
        guard old.isEmpty else { return parts(between: old, limit: limit).joined(separator: new) }
        var text = ""
        var left = limit
        for scalar in unicodeScalars {
            if left > 0 { text += new }
            left -= 1
            text.unicodeScalars.append(scalar)
        }
        return left > 0 ? text + new : text
    }

    /// The first letter large and all others small.
    var capitalizedOnce: String {
        guard let first = unicodeScalars.first else { return "" }
        return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
    }

    /// As Python's `repr` writes it.
    var pythonRepresentation: String {
        let hasSingle = unicodeScalars.contains("'")
        let quote: Unicode.Scalar = hasSingle && !unicodeScalars.contains("\"") ? "\"" : "'"
        var text = String.UnicodeScalarView([quote])
        for scalar in unicodeScalars {
            switch scalar {
            case quote, "\\": text.append(contentsOf: ["\\", scalar])
            case "\n": text.append(contentsOf: "\\n".unicodeScalars)
            case "\r": text.append(contentsOf: "\\r".unicodeScalars)
            case "\t": text.append(contentsOf: "\\t".unicodeScalars)
            case _ where scalar.isPrintable: text.append(scalar)
            default:
                let (letter, count) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                let digits = String(scalar.value, radix: 16)
                let escape = "\\" + letter + String(repeating: "0", count: count - digits.utf8.count) + digits
                text.append(contentsOf: escape.unicodeScalars)
            }
        }
        text.append(quote)
        return String(text)
    }
}
