/// How `tojson` lays a value out: as Python's `json.dumps` does.
struct JSONLayout {
    var indent: Int?
    var sortsKeys = false
    var isASCII = false
    var comma: String
    var colon = ": "

    init(indent: Int? = nil) {
        self.indent = indent
        comma = indent == nil ? ", " : ","
    }
}

extension TemplateValue {
    /// Its JSON; nil for what JSON cannot say.
    func json(_ layout: JSONLayout, level: Int = 0) -> String? {
        switch self {
        case .none: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return "\(value)"
        case .double(let value):
            return value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : value.pythonText
        case .string(let text): return text.json(isASCII: layout.isASCII)
        case .list(let elements):
            return Self.group("[", elements.map { $0.json(layout, level: level + 1) }, "]", layout, level)
        case .map(let map):
            var members = map.members
            if layout.sortsKeys { members.sort { $0.key.precedes($1.key) ?? false } }
            let parts = members.map { member -> String? in
                guard let key = member.key.jsonKey, let value = member.value.json(layout, level: level + 1) else {
                    return nil
                }
                return key.json(isASCII: layout.isASCII) + layout.colon + value
            }
            return Self.group("{", parts, "}", layout, level)
        case .undefined, .namespace, .loop, .macro, .function, .method: return nil
        }
    }

    private var jsonKey: String? {
        switch self {
        case .string(let text): text
        case .none, .bool, .int, .double: json(JSONLayout())
        default: nil
        }
    }

    private static func group(
        _ open: String, _ parts: [String?], _ close: String, _ layout: JSONLayout, _ level: Int
    ) -> String? {
        guard !parts.contains(where: { $0 == nil }) else { return nil }
        let parts = parts.compactMap(\.self)
        guard let indent = layout.indent, !parts.isEmpty else {
            return open + parts.joined(separator: layout.comma) + close
        }
        func line(_ level: Int) -> String { "\n" + String(repeating: " ", count: indent * level) }
        return open + line(level + 1) + parts.joined(separator: layout.comma + line(level + 1)) + line(level) + close
    }
}

extension String {
    fileprivate func json(isASCII: Bool) -> String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case _ where scalar.value < 0x20 || isASCII && scalar.value > 0x7E && scalar.value != 0x7F:
                for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
