/// A piece of a template's source.
struct TemplateToken {
    enum Kind: Hashable {
        /// What stands outside of tags, with the white space taken off that tags take.
        case text(String)
        /// `{{`, `}}`, `{%` and `%}`, with their signs.
        case outputBegin, outputEnd, blockBegin, blockEnd
        case name(String)
        case string(String)
        case integer(Int)
        case decimal(Double)
        /// An operator or a bracket.
        case symbol(String)
        case end
    }

    let kind: Kind
    /// From 1.
    let line: Int
}

extension TemplateToken.Kind: CustomStringConvertible {
    /// As messages name it.
    var description: String {
        switch self {
        case .text: "text"
        case .outputBegin: "{{"
        case .outputEnd: "}}"
        case .blockBegin: "{%"
        case .blockEnd: "%}"
        case .name(let name): name
        case .string: "a string"
        case .integer(let value): "\(value)"
        case .decimal(let value): "\(value)"
        case .symbol(let symbol): symbol
        case .end: "the end"
        }
    }
}
