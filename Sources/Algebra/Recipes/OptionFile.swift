package import Diagnostics
import Files

/// A file of options: a YAML map from names, with hyphens or underscores, to values.
package enum OptionFile {
    /// The words that say the same on a command line: `rank: 16` is `--rank 16`, a list is joined by commas, `true` is the
    /// flag alone, `false` and nothing are no word.
    ///
    /// Throws ``Failure/Code/recipeInvalid`` with the line for what is no such map.
    package static func words(of path: String) throws(Failure) -> [String] {
        let file = try InputFile(path: path)
        guard file.size <= YAMLText.byteLimit else {
            throw Failure(
                .recipeInvalid, "the file of options is too long", path: path,
                expected: "at most \(YAMLText.byteLimit) bytes", actual: "\(file.size)")
        }
        let bytes = try file.read(at: 0, count: file.size)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.recipeInvalid, "the file of options is not UTF-8", path: path)
        }
        let root = try YAMLText.parse(text, path: path)
        guard let members = root.map else {
            throw Failure(
                .recipeInvalid, "the file of options is no map", object: "line \(root.line)", path: path,
                actual: root.description)
        }
        var words: [String] = []
        for member in members {
            let name = "--" + member.key.map { $0 == "_" ? "-" : $0 }
            switch member.value.content {
            case .scalar(.null), .scalar(.flag(false)): continue
            case .scalar(.flag(true)): words.append(name)
            case .scalar(let scalar): words += [name, try word(scalar, member, path)]
            case .list(let list):
                var parts: [String] = []
                for node in list {
                    guard let scalar = node.scalar else { throw refusal(member, path) }
                    parts.append(try word(scalar, member, path))
                }
                words += [name, parts.joined(separator: ",")]
            case .map: throw refusal(member, path)
            }
        }
        return words
    }

    private static func word(_ scalar: YAMLScalar, _ member: YAMLNode.Member, _ path: String) throws(Failure) -> String
    {
        switch scalar {
        case .text(let text): return text
        case .number(let number):
            guard let whole = Int(exactly: number) else { return "\(number)" }
            // Beyond it the number that was read may not be the one that is written.
            guard whole.magnitude < 1 << 53 else {
                throw Failure(
                    .recipeInvalid, "the number is too large", object: "line \(member.line): \(member.key)", path: path,
                    hint: "put it into quotes")
            }
            return "\(whole)"
        case .flag(let flag): return "\(flag)"
        case .null: throw refusal(member, path)
        }
    }

    private static func refusal(_ member: YAMLNode.Member, _ path: String) -> Failure {
        Failure(
            .recipeInvalid, "this is no option's value", object: "line \(member.line): \(member.key)", path: path,
            expected: "a number, a text, true, false or a list of these", actual: member.value.description)
    }
}
