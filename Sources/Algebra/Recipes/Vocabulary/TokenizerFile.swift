import Diagnostics
import Files
import JSON

/// The vocabulary of a `tokenizer.json`: which tokens it has, and which of them were added to its model's.
struct TokenizerFile: Sendable {
    static let name = "tokenizer.json"
    private static let byteLimit = 1 << 27

    struct Added: Sendable {
        let id: Int
        /// As it stands in the file.
        let entry: JSONObject
    }

    let path: String
    let bytes: [UInt8]
    /// The ids of ordinary tokens and of added ones, by text.
    private(set) var ids: [ExactKey: Int] = [:]
    /// The added tokens, by text.
    private(set) var added: [ExactKey: Added] = [:]
    /// Where the list of added tokens stands in the file; nil where there is none.
    private(set) var addedRange: Range<Int>?

    /// Throws ``Failure/Code/tokenizerInvalid`` for what is no such file, and ``Failure/Code/jsonSyntax`` and the like.
    init(path: String) throws(Failure) {
        self.path = path
        let file = try InputFile(path: path)
        guard file.size <= Self.byteLimit else {
            throw Failure(
                .tokenizerInvalid, "the tokenizer is too large", path: path,
                expected: "at most \(Self.byteLimit) bytes", actual: "\(file.size)")
        }
        bytes = try file.read(at: 0, count: file.size)
        let text = bytes
        var scanner = try unsafe JSONScanner(
            text.span.bytes, path: path, limit: Self.byteLimit, mismatch: .tokenizerInvalid)
        try read(&scanner)
        guard !ids.isEmpty else { throw Failure(.tokenizerInvalid, "the tokenizer has no vocabulary", path: path) }
    }

    private mutating func read(_ scanner: inout JSONScanner) throws(Failure) {
        var ordinary: [ExactKey: Int] = [:]
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "added_tokens" where try scanner.peek() == .array:
                let start = Int(scanner.offset)
                let list = try scanner.value().array ?? []
                addedRange = start..<start + Self.length(of: bytes[start...])
                for element in list {
                    guard let entry = element.object, let id = entry["id"]?.int, let text = entry["content"]?.string
                    else { throw Failure(.tokenizerInvalid, "an added token has no id or no text", path: path) }
                    added[ExactKey(text)] = Added(id: id, entry: entry)
                }
            case "model" where try scanner.peek() == .object:
                try scanner.beginObject()
                while let key = try scanner.nextKey() {
                    if key == "vocab" { ordinary = try Self.vocabulary(&scanner) } else { try scanner.skip() }
                }
            default: try scanner.skip()
            }
        }
        try scanner.end()
        ids = ordinary.merging(added.mapValues(\.id)) { $1 }
    }

    /// An object of ids, or, for models of pieces with scores, a list in the order of ids.
    private static func vocabulary(_ scanner: inout JSONScanner) throws(Failure) -> [ExactKey: Int] {
        var ids: [ExactKey: Int] = [:]
        if try scanner.peek() == .array {
            try scanner.beginArray()
            while try scanner.nextElement() {
                try scanner.beginArray()
                guard try scanner.nextElement() else { continue }
                ids[ExactKey(try scanner.string())] = ids.count
                while try scanner.nextElement() { try scanner.skip() }
            }
            return ids
        }
        try scanner.beginObject()
        while let token = try scanner.nextKey() { ids[ExactKey(token)] = try scanner.integer() }
        return ids
    }

    /// How many bytes the list at the beginning of a text that is known to be well-formed has.
    private static func length(of text: ArraySlice<UInt8>) -> Int {
        var depth = 0
        var isString = false
        var isEscaped = false
        for (index, byte) in text.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if isString {
                isEscaped = byte == UInt8(ascii: "\\")
                isString = byte != UInt8(ascii: "\"")
            } else if byte == UInt8(ascii: "\"") {
                isString = true
            } else if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return index + 1 }
            }
        }
        return text.count
    }

    /// The file with another list of added tokens.
    ///
    /// Throws ``Failure/Code/tokenizerUnsupported`` for a file without a list.
    func bytes(adding entries: [JSONObject]) throws(Failure) -> [UInt8] {
        guard let addedRange else {
            throw Failure(.tokenizerUnsupported, "the tokenizer has no list of added tokens", path: path)
        }
        let old = added.values.sorted { $0.id < $1.id }.map(\.entry)
        let list = JSONValue.array((old + entries).map(JSONValue.object))
        return bytes[..<addedRange.lowerBound] + JSONWriter.bytes(of: list, .compact) + bytes[addedRange.upperBound...]
    }
}
