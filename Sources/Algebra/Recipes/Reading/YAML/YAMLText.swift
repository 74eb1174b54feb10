import Diagnostics
import JSON
import Yams

/// Reads one YAML document: aliases and merge keys resolved, nothing unbounded.
///
/// The parser beneath puts a copy of the anchored value in the place of every alias and then compares keys, which may be
/// such copies: a few lines could keep it busy for ever. So it is shown aliases as plain words that begin with a mark,
/// and they are resolved here, with every value that they stand for counted.
struct YAMLText {
    /// Bytes of a text.
    static let byteLimit = 1 << 17
    /// Values, those that aliases stand for among them.
    static let nodeLimit = 100_000
    /// Lists and maps within each other.
    static let depthLimit = 32
    /// Brackets within each other, and keys behind a question mark: the parser beneath looks at all of a key for every one
    /// that it lies in. Texts may have some that are neither.
    static let keyLimit = 64

    private let path: String
    private let mark: Unicode.Scalar
    private var anchored: [ExactKey: (node: YAMLNode, count: Int)] = [:]
    private var count = 0

    /// Throws ``Failure/Code/recipeInvalid`` with the line for what is no YAML, has a key twice or exceeds the limits.
    static func parse(_ text: String, path: String) throws(Failure) -> YAMLNode {
        guard text.utf8.count <= byteLimit else {
            throw Failure(
                .recipeInvalid, "the recipe is too long", path: path, expected: "at most \(byteLimit) bytes",
                actual: "\(text.utf8.count)")
        }
        let scalars = text.unicodeScalars
        guard let mark = (0xE000...0xE0FF).lazy.compactMap(Unicode.Scalar.init).first(where: { !scalars.contains($0) })
        else {
            throw Failure(.recipeInvalid, "the recipe is full of characters for private use", path: path)
        }
        if let line = nestingLine(scalars) {
            throw Failure(
                .recipeInvalid, "lists and maps are nested too deeply", object: "line \(line)", path: path)
        }
        var reader = YAMLText(path: path, mark: mark)
        return try reader.read(text)
    }

    /// The line in which a text exceeds ``keyLimit``.
    private static func nestingLine(_ scalars: String.UnicodeScalarView) -> Int? {
        var (line, depth, keys) = (1, 0, 0)
        var (last, beforeLast): (Unicode.Scalar, Unicode.Scalar) = ("\n", "\n")
        func isApart(_ scalar: Unicode.Scalar) -> Bool { " \t\r\n{[,".unicodeScalars.contains(scalar) }
        for scalar in scalars {
            switch scalar {
            case "\n": line += 1
            case "{", "[": depth += 1
            case "}", "]": depth = max(0, depth - 1)
            default: break
            }
            if last == "?", isApart(beforeLast), isApart(scalar) { keys += 1 }
            if depth > keyLimit || keys > keyLimit { return line }
            (beforeLast, last) = (last, scalar)
        }
        return nil
    }

    private init(path: String, mark: Unicode.Scalar) {
        self.path = path
        self.mark = mark
    }

    private mutating func read(_ text: String) throws(Failure) -> YAMLNode {
        var marked = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { marked.append(scalar == "*" ? mark : scalar) }
        let parser: Parser
        let root: Node?
        do {
            parser = try Parser(yaml: String(marked), resolver: .basic, encoding: .utf8)
            root = try parser.singleRoot()
        } catch {
            throw failure(error)
        }
        guard let root else { throw Failure(.recipeInvalid, "the recipe is empty", path: path) }
        // The parser alone keeps the names of anchors.
        let node = try node(root, depth: 0)
        withExtendedLifetime(parser) {}
        return node
    }

    private func refusal(_ what: String, line: Int, _ object: String? = nil) -> Failure {
        Failure(.recipeInvalid, what, object: "line \(line)" + (object.map { ": \($0)" } ?? ""), path: path)
    }

    private func failure(_ error: any Error) -> Failure {
        guard let error = error as? YamlError else { return Failure(.recipeInvalid, "\(error)", path: path) }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return refusal("this is no YAML: \(problem)", line: mark.line)
        case .duplicatedKeysInMapping(let keys, let context):
            return refusal("a key comes again in the same map", line: context.mark.line, keys.first.map(restored))
        case .reader(let problem, _, _, _):
            return Failure(.recipeInvalid, "this is no YAML: \(problem)", path: path)
        default: return Failure(.recipeInvalid, "this is no YAML", path: path)
        }
    }

    /// A text with its asterisks.
    private func restored(_ text: String) -> String {
        var restored = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { restored.append(scalar == mark ? "*" : scalar) }
        return String(restored)
    }

    // MARK: Values

    private mutating func note(_ more: Int, line: Int) throws(Failure) {
        count += more
        guard count <= Self.nodeLimit else {
            throw refusal("the recipe has too many values", line: line)
        }
    }

    private mutating func node(_ node: Node, depth: Int) throws(Failure) -> YAMLNode {
        let line = node.mark?.line ?? 1
        guard depth <= Self.depthLimit else { throw refusal("lists and maps are nested too deeply", line: line) }
        let before = count
        try note(1, line: line)
        let content: YAMLNode.Content
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            if isPlain, scalar.string.unicodeScalars.first == mark { return try alias(scalar, line: line) }
            let isText = try checkTag("\(scalar.tag)", line: line)
            content = .scalar(YAMLScalar(restored(scalar.string), isPlain: isPlain && !isText))
        case .sequence(let sequence):
            _ = try checkTag("\(sequence.tag)", line: line)
            var list: [YAMLNode] = []
            for element in sequence { list.append(try self.node(element, depth: depth + 1)) }
            content = .list(list)
        case .mapping(let mapping):
            _ = try checkTag("\(mapping.tag)", line: line)
            content = .map(try members(mapping, depth: depth))
        case .alias: throw refusal("an alias is not understood", line: line)
        }
        let read = YAMLNode(content: content, line: line)
        if let anchor = node.anchor { anchored[ExactKey(anchor.rawValue)] = (read, count - before) }
        return read
    }

    private mutating func alias(_ scalar: Node.Scalar, line: Int) throws(Failure) -> YAMLNode {
        let name = String(scalar.string.unicodeScalars.dropFirst())
        guard scalar.anchor == nil, let (node, count) = anchored[ExactKey(name)] else {
            throw refusal("an alias of what has no such anchor before it", line: line, restored(scalar.string))
        }
        try note(count, line: line)
        return node
    }

    /// Whether a tag says that what follows is a text. Throws for tags of other schemas.
    private func checkTag(_ tag: String, line: Int) throws(Failure) -> Bool {
        let schema = "tag:yaml.org,2002:"
        let known = ["str", "int", "float", "bool", "null", "merge", "timestamp", "value", "map", "seq"]
        guard tag.isEmpty || tag == "!" || known.contains(where: { tag == schema + $0 }) else {
            throw refusal("a value has a tag that means nothing here", line: line, tag)
        }
        return tag == "!" || tag == schema + "str"
    }

    private mutating func members(_ mapping: Node.Mapping, depth: Int) throws(Failure) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        var known: Set<ExactKey> = []
        var merged: [YAMLNode] = []
        for (keyNode, valueNode) in mapping {
            let line = keyNode.mark?.line ?? 1
            guard case .scalar(let key) = keyNode, key.string.unicodeScalars.first != mark else {
                throw refusal("a key is no text", line: line)
            }
            try note(1, line: line)
            let value = try node(valueNode, depth: depth + 1)
            if key.string == "<<", key.style == .plain {
                merged += value.list ?? [value]
                continue
            }
            let text = restored(key.string)
            guard known.insert(ExactKey(text)).inserted else {
                throw refusal("a key comes again in the same map", line: line, text)
            }
            members.append(YAMLNode.Member(key: text, line: line, value: value))
        }
        for node in merged {
            guard let map = node.map else { throw refusal("only maps can be merged with <<", line: node.line) }
            try note(map.count, line: node.line)
            for member in map where known.insert(ExactKey(member.key)).inserted { members.append(member) }
        }
        return members
    }
}
