package import Digests
package import JSON

/// An object as the catalog has it.
package struct StoredObject: Sendable {
    package enum State: Int, Sendable {
        case whole = 0
        /// Its file is not there.
        case missing = 1
        /// Its file is not what it was.
        case damaged = 2

        package var word: String {
            switch self {
            case .whole: "whole"
            case .missing: "missing"
            case .damaged: "damaged"
            }
        }
    }

    /// Its number in the catalog.
    let row: Int
    package let digest: Digest
    package let content: Digest
    package let sort: ObjectFacts.Sort
    /// Empty where only a name is known of the object, whose file was lost together with the catalog.
    package let method: String
    package let rank: Int?
    package let parameterCount: Int
    package let storedBytes: Int
    package let logicalBytes: Int
    /// The size of the files that went in.
    package let inputBytes: Int
    package let baseRoot: Digest?
    package let resultRoot: Digest?
    /// What went in: the word of a format.
    package let origin: String
    /// The SHA-256 of the file, where it was computed once.
    package let blob: Digest?
    /// Nanoseconds since 1970.
    package let added: Int64
    /// When its data were checked last, in nanoseconds since 1970; 0 for never.
    package let checked: Int64
    package let checkLevel: CheckLevel
    package let state: State
}

extension StoredObject {
    /// What an object with these facts would be in a catalog that has no row for it yet.
    init(_ facts: ObjectFacts, inputBytes: Int, origin: String, added: Int64) {
        self.init(
            row: 0, digest: facts.digest, content: facts.content, sort: facts.sort, method: facts.method,
            rank: facts.rank, parameterCount: facts.parameterCount, storedBytes: facts.storedBytes,
            logicalBytes: facts.logicalBytes, inputBytes: inputBytes, baseRoot: facts.baseRoot,
            resultRoot: facts.resultRoot, origin: origin, blob: nil, added: added, checked: 0, checkLevel: .catalog,
            state: .whole)
    }
}

/// A name and what it stands for.
package struct NamedObject: Sendable {
    package let name: StoreName
    package let object: StoredObject
}

extension StoredObject {
    /// What `list`, `show` and `add` say of it in JSON.
    package var document: JSONObject {
        var object = JSONObject()
        object["digest"] = .string("\(digest)")
        object["contentDigest"] = .string("\(content)")
        object["blobDigest"] = blob.map { .string("\($0)") } ?? nil
        object["kind"] = .string(sort.word)
        object["method"] = .string(method)
        object["rank"] = rank.map { JSONValue($0) } ?? nil
        object["parameters"] = JSONValue(parameterCount)
        object["storedBytes"] = JSONValue(storedBytes)
        object["logicalBytes"] = JSONValue(logicalBytes)
        object["inputBytes"] = JSONValue(inputBytes)
        object["base"] = baseRoot.map { .string("\($0)") } ?? nil
        object["result"] = resultRoot.map { .string("\($0)") } ?? nil
        object["origin"] = .string(origin)
        object["added"] = JSONValue(added)
        object["checked"] = checked == 0 ? nil : JSONValue(checked)
        object["checkLevel"] = .string(checkLevel.word)
        object["state"] = .string(state.word)
        return object
    }
}
