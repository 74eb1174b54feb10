import Diagnostics
import Digests
import JSON

/// One operation, as the reflog keeps it: all that cannot be had from the objects themselves.
struct ReflogLine: Hashable {
    struct Put: Hashable {
        var object: Digest
        var inputBytes: Int
        var origin: String
        /// What the user said of it, sorted by key.
        var metadata: [Pair]

        init(object: Digest, inputBytes: Int, origin: String, metadata: [(key: String, value: String)] = []) {
            self.object = object
            self.inputBytes = inputBytes
            self.origin = origin
            self.metadata = metadata.map { Pair(key: $0.key, value: $0.value) }
        }
    }

    struct Pair: Hashable {
        var key: String
        var value: String
    }

    struct Setting: Hashable {
        var name: StoreName
        /// Nil where the name was removed.
        var object: Digest?
    }

    /// How many bytes a line may have: what is longer could not be read again.
    static let longest = JSONLimits.byteCount

    var generation: Int
    /// Nanoseconds since 1970.
    var time: Int64
    var puts: [Put] = []
    var settings: [Setting] = []

    /// One line of JSON.
    var text: String {
        var object = JSONObject()
        object["generation"] = JSONValue(generation)
        object["time"] = JSONValue(time)
        if !puts.isEmpty { object["put"] = .array(puts.map(\.document)) }
        if !settings.isEmpty { object["set"] = .array(settings.map(\.document)) }
        return String(decoding: JSONWriter.bytes(of: .object(object), .compact), as: UTF8.self)
    }

    init(generation: Int, time: Int64, puts: [Put] = [], settings: [Setting] = []) {
        self.generation = generation
        self.time = time
        self.puts = puts
        self.settings = settings
    }

    /// That objects were put, each under its names.
    init(generation: Int, time: Int64, putting objects: [(put: Put, names: [StoreName])]) {
        self.init(
            generation: generation, time: time, puts: objects.map(\.put),
            settings: objects.flatMap { put, names in names.map { Setting(name: $0, object: put.object) } })
    }

    /// Nil for what is no such line.
    init?(parsing text: [UInt8]) {
        guard let document = try? JSONValue.parse(text), let generation = document["generation"]?.int,
            let time = document["time"]?.int, generation > 0
        else { return nil }
        self.init(generation: generation, time: Int64(time))
        for put in document["put"]?.array ?? [] {
            guard let put = Put(put) else { return nil }
            puts.append(put)
        }
        for setting in document["set"]?.array ?? [] {
            guard let setting = Setting(setting) else { return nil }
            settings.append(setting)
        }
    }
}

extension ReflogLine.Put {
    fileprivate var document: JSONValue {
        var pairs = JSONObject()
        for pair in metadata { pairs[pair.key] = .string(pair.value) }
        return [
            "object": .string("\(object)"), "inputBytes": JSONValue(inputBytes), "origin": .string(origin),
            "metadata": .object(pairs),
        ]
    }

    fileprivate init?(_ document: JSONValue) {
        guard let object = document["object"]?.string.flatMap({ Digest(hexadecimal: $0) }),
            let inputBytes = document["inputBytes"]?.int, let origin = document["origin"]?.string,
            let pairs = document["metadata"]?.object
        else { return nil }
        self.init(object: object, inputBytes: inputBytes, origin: origin, metadata: [])
        for (key, value) in pairs.members {
            guard let value = value.string else { return nil }
            metadata.append(ReflogLine.Pair(key: key, value: value))
        }
    }
}

extension ReflogLine.Setting {
    fileprivate var document: JSONValue {
        ["name": .string("\(name)"), "object": object.map { .string("\($0)") } ?? nil]
    }

    fileprivate init?(_ document: JSONValue) {
        guard let text = document["name"]?.string, let name = try? StoreName(text), let object = document["object"]
        else {
            return nil
        }
        if object.isNull {
            self.init(name: name, object: nil)
            return
        }
        guard let digest = object.string.flatMap({ Digest(hexadecimal: $0) }) else { return nil }
        self.init(name: name, object: digest)
    }
}
