import Diagnostics
import JSON

/// Sizes of a config, each checked.
struct ConfigReader {
    private let config: JSONValue

    init(_ config: JSONValue) {
        self.config = config
    }

    subscript(key: String) -> JSONValue? { config[key] }

    /// Throws ``Failure/Code/configInvalid`` for what is missing, no integer, below 1 or beyond the limit.
    func size(_ key: String, standard: Int? = nil, limit: Int = 1 << 31) throws(Failure) -> Int {
        // A null is no value; `nil` alone would be JSON's null here.
        let value = has(key) ? config[key] : Optional.none
        guard let size = value.map({ $0.int }) ?? standard, size >= 1, size <= limit else {
            throw Failure(
                .configInvalid, "the config lacks a size or has an impossible one", object: key,
                actual: value.map { $0.number?.text ?? "\($0.kind)" } ?? "nothing")
        }
        return size
    }

    /// The size under the first of several names that is there, as configs of different ages spell it.
    func size(anyOf keys: [String], standard: Int? = nil, limit: Int = 1 << 31) throws(Failure) -> Int {
        try size(keys.first { has($0) } ?? keys[0], standard: standard, limit: limit)
    }

    /// A count that may be zero: -1 and null stand for it too.
    func count(_ key: String, limit: Int = 1 << 20) throws(Failure) -> Int {
        guard has(key), config[key]?.int != 0, config[key]?.int != -1 else { return 0 }
        return try size(key, limit: limit)
    }

    /// How many tokens a row may have; nil where the config says nothing of it.
    func length(_ key: String) throws(Failure) -> Int? { has(key) ? try size(key) : nil }

    func flag(_ key: String, standard: Bool) -> Bool { config[key]?.bool ?? standard }

    func has(_ key: String) -> Bool { config[key].map { !$0.isNull } ?? false }

    /// How many classes a classification has: `num_labels`, or as many as `id2label` names, or two.
    func labels() throws(Failure) -> Int {
        if has("num_labels") { return try size("num_labels", limit: 1 << 20) }
        let count = config["id2label"]?.object?.count ?? 0
        return count == 0 ? 2 : count
    }

    /// How many heads keys and values have; the heads of queries must be shared evenly among them.
    func keyHeads(anyOf keys: [String], heads: Int) throws(Failure) -> Int {
        let keyHeads = try size(anyOf: keys, standard: heads, limit: heads)
        guard heads % keyHeads == 0 else {
            throw Failure(
                .configInvalid, "the heads cannot share the heads of keys", object: keys[0],
                actual: "\(heads) and \(keyHeads)")
        }
        return keyHeads
    }

    /// The width of each head: what the config says under `key`, else their share of the whole width.
    func headSize(_ key: String, of width: Int, heads: Int) throws(Failure) -> Int {
        has(key) ? try size(key, limit: 1 << 12) : try headSize(of: width, heads: heads)
    }

    /// Blocks whose heads, as many of keys as of queries, share the whole width, and whose MLP is not gated.
    func stack(layers: Int, heads: Int, width: Int, inner: Int) throws(Failure) -> BlockStack {
        BlockStack(
            layers: layers, heads: heads, keyHeads: heads, headSize: try headSize(of: width, heads: heads),
            innerSize: inner, isGated: false)
    }

    /// The width of each head; the heads must share the whole width.
    func headSize(of width: Int, heads: Int) throws(Failure) -> Int {
        guard width % heads == 0 else {
            throw Failure(
                .configInvalid, "the heads cannot share the width", object: "num_attention_heads",
                actual: "\(width) and \(heads)")
        }
        return width / heads
    }
}
