import Digests

/// What goes into a statement's parameters.
enum SQLValue {
    case null
    case number(Int64)
    case text(String)
    case blob([UInt8])

    static func integer(_ value: Int) -> SQLValue { .number(Int64(value)) }

    static func integer(_ value: Int64) -> SQLValue { .number(value) }

    static func digest(_ digest: Digest) -> SQLValue { .blob(digest.bytes) }

    static func digest(_ digest: Digest?) -> SQLValue { digest.map { .blob($0.bytes) } ?? .null }

    static func integer(_ value: Int?) -> SQLValue { value.map { .number(Int64($0)) } ?? .null }
}
