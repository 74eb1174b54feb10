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

    func flag(_ key: String, standard: Bool) -> Bool { config[key]?.bool ?? standard }

    func has(_ key: String) -> Bool { config[key].map { !$0.isNull } ?? false }

    /// How many classes a classification has: `num_labels`, or as many as `id2label` names, or two.
    func labels() throws(Failure) -> Int {
        if has("num_labels") { return try size("num_labels", limit: 1 << 20) }
        let count = config["id2label"]?.object?.count ?? 0
        return count == 0 ? 2 : count
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
