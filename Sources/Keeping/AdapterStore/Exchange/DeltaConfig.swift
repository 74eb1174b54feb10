import Diagnostics
import Digests
import JSON

/// What a layout says of an object beside its container: what the store alone knew, and a copy of what can be read from the
/// container, by which others find out what it is without fetching it. On import the copy must agree with the container.
struct DeltaConfig {
    static let version = 1
    /// The keys of the copy.
    private static let copied = [
        "base", "contentDigest", "digest", "kind", "logicalBytes", "method", "parameters", "rank", "result",
        "storedBytes",
    ]
    private static let origins = ["tenon", "peft", "checkpoint"]
    private static let longestKey = 1024
    private static let longestValue = 65_535
    /// As many as a container may have.
    static let mostPairs = 4096

    /// The size of the files that once went in.
    var inputBytes: Int
    /// What once went in: the word of a format.
    var origin: String
    /// What the user said of it.
    var metadata: [(key: String, value: String)]
    /// The copy: every key of it, sorted.
    private var copy: JSONObject

    init(_ facts: ObjectFacts, inputBytes: Int, origin: String, metadata: [(key: String, value: String)]) {
        self.inputBytes = inputBytes
        self.origin = origin
        self.metadata = metadata
        copy = Self.copy(of: facts)
    }

    /// One line of JSON, its keys sorted.
    var bytes: [UInt8] {
        var members = copy.members
        members.append(("inputBytes", JSONValue(inputBytes)))
        members.append(("metadata", .pairs(metadata)))
        members.append(("origin", .string(origin)))
        members.append(("version", JSONValue(Self.version)))
        var object = JSONObject()
        for (key, value) in members.sorted(by: { $0.key.precedesInBytes($1.key) }) { object[key] = value }
        return JSONWriter.bytes(of: .object(object), .compact)
    }

    private static func copy(of facts: ObjectFacts) -> JSONObject {
        var object = JSONObject()
        object["base"] = facts.baseRoot.map { .string("\($0)") }
        object["contentDigest"] = .string("\(facts.content)")
        object["digest"] = .string("\(facts.digest)")
        object["kind"] = .string(facts.sort.word)
        object["logicalBytes"] = JSONValue(facts.logicalBytes)
        object["method"] = .string(facts.method)
        object["parameters"] = JSONValue(facts.parameterCount)
        object["rank"] = facts.rank.map { JSONValue($0) }
        object["result"] = facts.resultRoot.map { .string("\($0)") }
        object["storedBytes"] = JSONValue(facts.storedBytes)
        return object
    }
}

extension DeltaConfig {
    /// Reads one; throws ``Failure/Code/importRejected`` for what is none. Keys that this version does not know are passed
    /// over.
    ///
    /// - Parameters:
    ///   - place: What it is called in messages.
    ///   - path: The layout.
    init(_ document: JSONObject, in place: String, path: String) throws(Failure) {
        guard document["version"]?.int == Self.version else {
            throw Failure.importRejected(
                "a config is of another version", path: path, object: place, expected: "\(Self.version)",
                actual: document["version"]?.number?.text, hint: "use the version of tenon that exported it")
        }
        guard let inputBytes = document["inputBytes"]?.int, inputBytes >= 0, let origin = document["origin"]?.string,
            Self.origins.contains(origin), let pairs = document["metadata"]?.object
        else {
            throw Failure.importRejected("a config lacks what it must say", path: path, object: place)
        }
        guard pairs.members.count <= Self.mostPairs else {
            throw Failure.importRejected(
                "a config has too much metadata", path: path, object: place,
                expected: "at most \(Self.mostPairs) pairs",
                actual: "\(pairs.members.count)")
        }
        self.inputBytes = inputBytes
        self.origin = origin
        metadata = []
        copy = JSONObject()
        for key in Self.copied {
            copy[key] = document[key]
            if let kind = document[key]?.kind, kind != .string, kind != .number {
                throw Failure.importRejected(
                    "a config says something else than its container", path: path, object: "\(place): \(key)",
                    actual: kind.rawValue)
            }
        }
        for (key, value) in pairs.members {
            guard let value = value.string, !key.isEmpty, key.utf8.count <= Self.longestKey,
                value.utf8.count <= Self.longestValue, !key.utf8.contains(0), !value.utf8.contains(0)
            else { throw Failure.importRejected("a config has metadata that are none", path: path, object: place) }
            metadata.append((key, value))
        }
    }

    /// Throws ``Failure/Code/importRejected`` unless the copy says what the container does.
    func check(against facts: ObjectFacts, in place: String, path: String) throws(Failure) {
        let truth = Self.copy(of: facts)
        for key in Self.copied where copy[key] != truth[key] {
            throw Failure.importRejected(
                "a config says something else than its container", path: path, object: "\(place): \(key)",
                expected: truth[key].map(Self.text) ?? "nothing", actual: copy[key].map(Self.text) ?? "nothing")
        }
        let fits =
            switch origin {
            case "checkpoint": facts.sort == .checkpoint
            case "peft": facts.sort == .adapter
            default: true
            }
        guard fits else {
            throw Failure.importRejected(
                "a config says something else than its container", path: path, object: "\(place): origin",
                actual: origin)
        }
    }

    private static func text(_ value: JSONValue) -> String {
        String(decoding: JSONWriter.bytes(of: value, .compact).prefix(100), as: UTF8.self)
    }
}

extension ReflogLine.Put {
    init(object: Digest, _ said: DeltaConfig) {
        self.init(object: object, inputBytes: said.inputBytes, origin: said.origin, metadata: said.metadata)
    }
}
