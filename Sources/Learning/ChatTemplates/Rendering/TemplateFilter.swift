import Diagnostics

/// What a value can be led through: `value | filter`.
enum TemplateFilter: String, Sendable {
    case abs, capitalize, dictsort, first, float, indent, int, items, join, last, length, list, lower, map, max, min,
        reject, rejectattr, replace, reverse, round, safe, select, selectattr, sort, string, sum, title, tojson, trim,
        unique, upper
    case standard = "default"

    init?(_ word: String) {
        let others = ["d": "default", "count": "length"]
        self.init(rawValue: others[word] ?? word)
    }
}

extension TemplateInterpreter {
    mutating func filtered(
        _ value: TemplateValue, _ filter: TemplateFilter, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        switch filter {
        case .standard:
            let isMissing = value.isUndefined || arguments.value(1, "boolean")?.isTrue == true && !value.isTrue
            return isMissing ? arguments.value(0, "default_value") ?? .string("") : value
        case .length: return .int(try length(of: value))
        case .list: return .list(try elements(of: value))
        case .items:
            if value.isUndefined { return .list([]) }
            guard case .map(let map) = value else { throw refused("only a mapping has items", value) }
            return .list(map.members.map { .list([$0.key, $0.value]) })
        case .safe, .string: return .string(try text(of: value))
        case .trim:
            let text = try spent(value)
            guard let characters = arguments.value(0, "chars")?.string else { return .string(text.stripped()) }
            let set = Set(characters.unicodeScalars)
            return .string(text.stripped { set.contains($0) })
        case .upper: return .string(try spent(value).uppercased())
        case .lower: return .string(try spent(value).lowercased())
        case .capitalize: return .string(try spent(value).capitalizedOnce)
        case .title, .replace:
            var more = arguments
            if filter == .replace { more.values = try texts(arguments.values) }
            return try method(filter.rawValue, of: .string(try spent(value)), more)
        case .indent: return try indented(try spent(value), arguments)
        case .tojson: return try json(value, arguments)
        case .join:
            let attribute = arguments.value(1, "attribute")
            var elements = try elements(of: value)
            if let attribute { elements = try members(attribute, of: elements) }
            let glue = try arguments.value(0, "d").map { glue throws(Failure) in try text(of: glue) } ?? ""
            return try joined(elements, by: glue, onlyTexts: false)
        case .first, .last:
            let elements = try elements(of: value)
            return (filter == .first ? elements.first : elements.last) ?? .undefined(filter.rawValue)
        case .reverse:
            let elements = try elements(of: value)
            guard let text = value.string else { return .list(elements.reversed()) }
            return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
        case .map, .select, .reject, .selectattr, .rejectattr: return try picked(value, filter, arguments)
        case .sort, .dictsort, .unique, .min, .max, .sum: return try ordered(value, filter, arguments)
        case .int, .float, .abs, .round: return try number(value, filter, arguments)
        }
    }

    /// Its text, whose size counts.
    private mutating func spent(_ value: TemplateValue) throws(Failure) -> String {
        let text = try text(of: value)
        try budget.spend(bytes: text.utf8.count)
        return text
    }

    private mutating func texts(_ values: [TemplateValue]) throws(Failure) -> [TemplateValue] {
        var texts: [TemplateValue] = []
        for value in values { texts.append(value.int == nil ? .string(try text(of: value)) : value) }
        return texts
    }

    func length(of value: TemplateValue) throws(Failure) -> Int {
        switch value {
        case .string(let text): text.scalarCount
        case .list(let elements): elements.count
        case .map(let map): map.count
        case .undefined: 0
        default: throw refused("this has no length", value)
        }
    }

    mutating func joined(
        _ elements: [TemplateValue], by glue: String, onlyTexts: Bool
    ) throws(Failure) -> TemplateValue {
        var parts: [String] = []
        for element in elements {
            if onlyTexts, element.string == nil { throw refused("only texts can be joined", element) }
            parts.append(try text(of: element))
        }
        let size = parts.reduce(0) { $0 + $1.utf8.count }
        let (glued, overflow) = glue.utf8.count.multipliedReportingOverflow(by: parts.count)
        try budget.spend(bytes: overflow ? .max : size + glued)
        return .string(parts.joined(separator: glue))
    }

    private mutating func indented(_ text: String, _ arguments: TemplateArguments) throws(Failure) -> TemplateValue {
        let width = arguments.value(0, "width")
        let blanks: String
        if let given = width?.string {
            blanks = given
        } else {
            blanks = String(repeating: " ", count: min(1 << 10, max(0, width?.int ?? 4)))
        }
        let indentsFirst = arguments.value(1, "first")?.isTrue ?? false
        let indentsEmpty = arguments.value(2, "blank")?.isTrue ?? false
        let lines = text.parts(between: "\n")
        try budget.spend(bytes: text.utf8.count + lines.count * blanks.utf8.count)
        let indented = lines.enumerated().map { index, line in
            (index == 0 ? indentsFirst : indentsEmpty || !line.isEmpty) ? blanks + line : line
        }
        return .string(indented.joined(separator: "\n"))
    }

    private mutating func json(_ value: TemplateValue, _ arguments: TemplateArguments) throws(Failure) -> TemplateValue
    {
        let indent = arguments.value(1, "indent")?.int
        var layout = JSONLayout(indent: indent.map { min(64, max(0, $0)) })
        layout.isASCII = arguments.value(0, "ensure_ascii")?.isTrue ?? false
        layout.sortsKeys = arguments.value(3, "sort_keys")?.isTrue ?? false
        if case .list(let separators)? = arguments.value(2, "separators"), separators.count == 2,
            let comma = separators[0].string, let colon = separators[1].string
        {
            layout.comma = comma
            layout.colon = colon
        }
        guard let text = value.json(layout) else { throw refused("this cannot be said in JSON", value) }
        try budget.spend(bytes: text.utf8.count)
        return .string(text)
    }
}
