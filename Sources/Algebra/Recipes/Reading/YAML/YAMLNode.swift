import JSON

/// A value of a YAML text, and where it stands.
struct YAMLNode: Sendable {
    struct Member: Sendable {
        let key: String
        /// The line of the key, counted from 1.
        let line: Int
        let value: YAMLNode
    }

    enum Content: Sendable {
        case scalar(YAMLScalar)
        case list([YAMLNode])
        /// In the order written, each key once.
        case map([Member])
    }

    let content: Content
    /// Counted from 1.
    let line: Int

    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    var text: String? {
        if case .scalar(.text(let text)) = content { text } else { nil }
    }

    var list: [YAMLNode]? {
        if case .list(let list) = content { list } else { nil }
    }

    var map: [Member]? {
        if case .map(let map) = content { map } else { nil }
    }

    var isNull: Bool {
        if case .scalar(.null) = content { true } else { false }
    }

    subscript(_ key: String) -> YAMLNode? {
        map?.first { ExactKey($0.key) == ExactKey(key) }?.value
    }

    /// What it is, for messages.
    var description: String {
        switch content {
        case .scalar(let scalar): scalar.description
        case .list: "a list"
        case .map: "a map"
        }
    }
}
