import Diagnostics

/// The methods that Python's values have.
enum TemplateMethods {
    static let ofStrings: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper", "lower",
        "title", "capitalize", "replace", "join", "find", "rfind", "index", "count", "format", "isdigit", "isalpha",
        "isalnum", "isspace", "isupper", "islower", "removeprefix", "removesuffix", "zfill", "ljust", "rjust", "center",
        "encode", "partition", "rpartition", "swapcase", "casefold", "expandtabs", "translate",
    ]
    static let ofLists: Set<String> = [
        "index", "count", "append", "extend", "insert", "pop", "remove", "clear", "copy", "reverse", "sort",
    ]
    static let ofMaps: Set<String> = [
        "items", "keys", "values", "get", "pop", "popitem", "update", "setdefault", "clear", "copy", "fromkeys",
    ]
}

extension TemplateInterpreter {
    mutating func method(
        _ name: String, of owner: TemplateValue, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        switch owner {
        case .undefined: throw refused("nothing can be read of this", owner)
        case .string(let text) where TemplateMethods.ofStrings.contains(name):
            try budget.spend(bytes: text.utf8.count)
            let result = try method(name, of: text, arguments)
            if let text = result.string { try budget.spend(bytes: text.utf8.count) }
            return result
        case .map(let map) where TemplateMethods.ofMaps.contains(name): return try method(name, of: map, arguments)
        case .loop(let state): return try method(name, of: state, arguments)
        case .list(let elements) where ["index", "count"].contains(name):
            guard let wanted = arguments.values.first else { throw refused("`\(name)` needs an argument") }
            if name == "count" { return .int(elements.count { $0.equals(wanted) }) }
            guard let index = elements.firstIndex(where: { $0.equals(wanted) }) else {
                throw refused("the list has no such element")
            }
            return .int(index)
        case .list where TemplateMethods.ofLists.contains(name):
            throw refused("`\(name)` would change a list, which templates must not")
        default: throw refused("`\(name)` cannot be called on this", owner)
        }
    }

    private func unknown(_ name: String) -> Failure {
        Failure(
            .templateUnsupported, "a method of the template is not known here",
            object: "line \(line) of the template", actual: name)
    }

    private mutating func method(
        _ name: String, of map: TemplateMap, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        switch name {
        case "items": return .list(map.members.map { .list([$0.key, $0.value]) })
        case "keys": return .list(map.members.map(\.key))
        case "values": return .list(map.members.map(\.value))
        case "copy": return .map(map)
        case "get":
            guard let key = arguments.values.first else { throw refused("`get` needs a key") }
            return map[key] ?? arguments.value(1, "default") ?? .none
        default: throw refused("`\(name)` would change a mapping, which templates must not")
        }
    }

    private func method(
        _ name: String, of state: LoopState, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        switch name {
        case "cycle":
            guard !arguments.values.isEmpty else { throw refused("`cycle` needs values") }
            return arguments.values[state.index % arguments.values.count]
        case "changed":
            let same = state.earlier.map { TemplateValue.list($0).equals(.list(arguments.values)) } ?? false
            state.earlier = arguments.values
            return .bool(!same)
        default: throw unknown("loop.\(name)")
        }
    }

    private mutating func method(
        _ name: String, of text: String, _ arguments: TemplateArguments
    ) throws(Failure) -> TemplateValue {
        func string(_ index: Int, _ argument: String) throws(Failure) -> String {
            guard let value = arguments.value(index, argument) else { throw refused("`\(name)` needs an argument") }
            guard let text = value.string else { throw refused("`\(name)` needs a text", value) }
            return text
        }
        switch name {
        case "strip", "lstrip", "rstrip":
            let (left, right) = (name != "rstrip", name != "lstrip")
            if let characters = arguments.values.first?.string {
                let set = Set(characters.unicodeScalars)
                return .string(text.stripped(left: left, right: right) { set.contains($0) })
            }
            return .string(text.stripped(left: left, right: right))
        case "split", "rsplit": return try split(text, arguments, fromEnd: name == "rsplit")
        case "splitlines": return .list(text.lines.map { .string($0) })
        case "startswith", "endswith":
            guard let given = arguments.values.first else { throw refused("`\(name)` needs a text") }
            let candidates = if case .list(let list) = given { list } else { [given] }
            for candidate in candidates {
                guard let part = candidate.string else { throw refused("`\(name)` needs a text", candidate) }
                if name == "startswith" ? text.hasBytes(part) : text.endsInBytes(part) { return .bool(true) }
            }
            return .bool(false)
        case "upper": return .string(text.uppercased())
        case "lower", "casefold": return .string(text.lowercased())
        case "capitalize": return .string(text.capitalizedOnce)
        case "title": return .string(text.titled)
        case "replace":
            let (old, new) = (try string(0, "old"), try string(1, "new"))
            let limit = arguments.value(2, "count")?.int.flatMap { $0 < 0 ? nil : $0 } ?? .max
            let count =
                old.isEmpty
                ? text.scalarCount + 1 : text.places(of: old, limit: min(limit, budget.placesLeft)).count
            try budget.spend(places: count)
            let (size, overflow) = count.multipliedReportingOverflow(by: new.utf8.count)
            try budget.spend(bytes: overflow ? .max : size)
            return .string(text.replacing(every: old, with: new, limit: limit))
        case "join": return try joined(try elements(of: arguments.values.first ?? .none), by: text, onlyTexts: true)
        case "find", "index":
            guard let place = try text.scalarPlaces(of: string(0, "sub")).first else {
                if name == "index" { throw refused("the text does not have this part") }
                return .int(-1)
            }
            return .int(place)
        case "rfind": return .int(try text.scalarPlaces(of: string(0, "sub")).last ?? -1)
        case "count":
            let part = try string(0, "sub")
            let places = text.places(of: part, limit: budget.placesLeft).count
            try budget.spend(places: places)
            return .int(part.isEmpty ? text.scalarCount + 1 : places)
        case "removeprefix":
            let part = try string(0, "prefix")
            return .string(text.hasBytes(part) ? text.dropping(first: part.utf8.count) : text)
        case "removesuffix":
            let part = try string(0, "suffix")
            return .string(
                !part.isEmpty && text.endsInBytes(part)
                    ? String(decoding: text.utf8.dropLast(part.utf8.count), as: UTF8.self) : text)
        case "isdigit": return .bool(text.all { $0.properties.numericType.map { $0 != .numeric } ?? false })
        case "isalpha": return .bool(text.all { $0.isLetter })
        case "isalnum": return .bool(text.all { $0.isLetter || $0.properties.numericType != nil })
        case "isspace": return .bool(text.all { $0.isPythonSpace })
        default: throw unknown(name)
        }
    }

    private mutating func split(
        _ text: String, _ arguments: TemplateArguments, fromEnd: Bool
    ) throws(Failure) -> TemplateValue {
        let limit = arguments.value(1, "maxsplit")?.int.flatMap { $0 < 0 ? nil : $0 }
        var parts: [String]
        var glue = " "
        if let separator = arguments.value(0, "sep")?.string {
            guard !separator.isEmpty else { throw refused("a text cannot be split by nothing") }
            glue = separator
            let most = fromEnd ? .max : limit ?? .max
            parts = text.parts(between: separator, limit: min(most, budget.placesLeft))
            try budget.spend(places: parts.count)
        } else {
            guard limit == nil else { throw unknown("split by white space with a limit") }
            parts = text.words
        }
        if fromEnd, let limit, parts.count > limit + 1 {
            let first = parts[0..<(parts.count - limit)].joined(separator: glue)
            parts = [first] + parts.suffix(limit)
        }
        try budget.spend(steps: parts.count)
        return .list(parts.map { .string($0) })
    }
}

extension String {
    fileprivate func all(_ holds: (Unicode.Scalar) -> Bool) -> Bool { !isEmpty && unicodeScalars.allSatisfy(holds) }

    fileprivate func dropping(first count: Int) -> String { String(decoding: utf8.dropFirst(count), as: UTF8.self) }

    /// Between runs of white space.
    fileprivate var words: [String] {
        unicodeScalars.split(whereSeparator: \.isPythonSpace).map { String($0) }
    }

    /// The parts between the ends of lines, as `splitlines` has them.
    fileprivate var lines: [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var last: Unicode.Scalar?
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x0A where last == "\r": break
            case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029:
                lines.append(String(line))
                line = .init()
            default: line.append(scalar)
            }
            last = scalar
        }
        return line.isEmpty ? lines : lines + [String(line)]
    }

    /// Where a part stands, in code points.
    fileprivate func scalarPlaces(of part: String) -> [Int] {
        guard !part.isEmpty else { return [0] }
        var places: [Int] = []
        var (bytes, scalars) = (0, 0)
        var rest = unicodeScalars[...]
        for place in self.places(of: part) {
            while bytes < place, let scalar = rest.popFirst() {
                bytes += UTF8.width(scalar)
                scalars += 1
            }
            places.append(scalars)
        }
        return places
    }

    /// Every run of letters with its first one large.
    fileprivate var titled: String {
        var text = ""
        var isWithin = false
        for scalar in unicodeScalars {
            let properties = scalar.properties
            text += isWithin ? properties.lowercaseMapping : properties.titlecaseMapping
            isWithin = properties.isCased
        }
        return text
    }
}

extension Unicode.Scalar {
    fileprivate var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
