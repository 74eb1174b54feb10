import Diagnostics
import JSON

/// The `model` of a `tokenizer.json`.
struct ModelPart {
    private(set) var vocabulary = Vocabulary()
    private var type: String?
    private var hasVocabulary = false
    /// The score of each id, where the vocabulary is a list of tokens with scores.
    private var scores: [Double]?
    private var merges: [(left: String, right: String)]?
    /// The added tokens that the model lacks: their ids follow the model's own.
    private var lacking = ByteStringTable()
    private var unknown: String?
    private var unknownID: Int?
    private var joinsUnknown = false
    private var ignoresMerges = false
    private var fallsBackToBytes = false
    private var continuationPrefix: String?
    private var characterLimit = 100
    /// What no model here has, by its key.
    private var foreign: [String] = []

    /// WordPiece from a file with one token a line.
    init(lines: [String], unknown: String) throws(Failure) {
        type = "WordPiece"
        hasVocabulary = true
        self.unknown = unknown
        continuationPrefix = "##"
        for (id, line) in lines.enumerated() {
            guard id < TokenizerLimits.idCount else { throw Failure(.tokenizerInvalid, "the vocabulary is too large") }
            try insert(line, id: id)
        }
    }

    init() {}

    // MARK: The text

    mutating func scan(_ scanner: inout JSONScanner) throws(Failure) {
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "type": type = try scanner.string()
            case "vocab": try scanVocabulary(&scanner)
            case "merges": try scanMerges(&scanner)
            case "unk_token": unknown = try scanner.value().string
            case "unk_id": unknownID = try scanner.value().int
            case "fuse_unk": joinsUnknown = try scanner.value().bool ?? false
            case "ignore_merges": ignoresMerges = try scanner.value().bool ?? false
            case "byte_fallback": fallsBackToBytes = try scanner.value().bool ?? false
            case "continuing_subword_prefix": continuationPrefix = try scanner.value().string
            case "max_input_chars_per_word":
                characterLimit = min(max(0, try scanner.value().int ?? 100), TokenizerLimits.byteCount)
            case "end_of_word_suffix": if let text = try scanner.value().string, !text.isEmpty { foreign.append(key) }
            case "dropout": if let rate = try scanner.value().double, rate != 0 { foreign.append(key) }
            default: try scanner.skip()
            }
        }
    }

    private mutating func scanVocabulary(_ scanner: inout JSONScanner) throws(Failure) {
        hasVocabulary = true
        if try scanner.peek() == .array { return try scanScores(&scanner) }
        try scanner.beginObject()
        while let token = try scanner.nextKey() {
            try insert(token, id: try scanner.integer(in: 0...TokenizerLimits.idCount - 1))
        }
    }

    /// A vocabulary as a list of tokens, each with its score.
    private mutating func scanScores(_ scanner: inout JSONScanner) throws(Failure) {
        var scores: [Double] = []
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scores.count < TokenizerLimits.idCount else {
                throw Failure(.tokenizerInvalid, "the vocabulary is too large")
            }
            let entry = try scanner.value().array ?? []
            guard entry.count == 2, let token = entry[0].string, let score = entry[1].double, score.isFinite else {
                throw Failure(
                    .tokenizerInvalid, "an entry of the vocabulary is no token with a score", object: "\(scores.count)")
            }
            try insert(token, id: scores.count)
            scores.append(score)
        }
        self.scores = scores
    }

    private mutating func insert(_ token: String, id: Int) throws(Failure) {
        guard token.utf8.count <= TokenizerLimits.tokenByteCount else {
            throw Failure(
                .tokenizerInvalid, "a token is too long", object: String(token.prefix(40)) + "…",
                expected: "at most \(TokenizerLimits.tokenByteCount) bytes")
        }
        try vocabulary.insert(token, id: id)
    }

    private mutating func scanMerges(_ scanner: inout JSONScanner) throws(Failure) {
        var merges: [(left: String, right: String)] = []
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard try scanner.peek() == .array else {
                merges.append(try Self.pair(try scanner.string()))
                continue
            }
            var pair: [String] = []
            try scanner.beginArray()
            while try scanner.nextElement() {
                guard pair.count < 2 else { throw Self.noPair("three or more") }
                pair.append(try scanner.string())
            }
            guard pair.count == 2 else { throw Self.noPair("\(pair.count)") }
            merges.append((pair[0], pair[1]))
        }
        self.merges = merges
    }

    /// The tokens of a merge that is written as one text, with a blank between them.
    private static func pair(_ text: String) throws(Failure) -> (String, String) {
        let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, let left = String(parts[0]), let right = String(parts[1]) else {
            throw noPair("\(parts.count)")
        }
        return (left, right)
    }

    private static func noPair(_ count: String) -> Failure {
        Failure(.tokenizerInvalid, "a merge is not of two tokens", expected: "2", actual: count)
    }

    // MARK: What it means

    /// The kind of the model; older files leave it to be seen from what the model has.
    private var kind: String {
        type ?? (scores != nil ? "Unigram" : merges != nil ? "BPE" : "WordPiece")
    }

    /// Throws ``Failure/Code/tokenizerUnsupported`` for another kind of model, by its name.
    func checkKind() throws(Failure) {
        guard ["BPE", "WordPiece", "Unigram"].contains(kind) else { throw .unsupportedTokenizer("the model", kind) }
        var foreign = foreign
        if kind == "BPE", continuationPrefix?.isEmpty == false { foreign.append("continuing_subword_prefix") }
        if let key = foreign.first { throw .unsupportedTokenizer("the model", "\(kind) with `\(key)`") }
        guard hasVocabulary, (kind == "Unigram") == (scores != nil) else {
            throw Failure(.tokenizerInvalid, "the model has no vocabulary of its kind", object: kind)
        }
    }

    /// Takes up an added token.
    ///
    /// Other tools go by the token where the model has it, else by the order of those that it lacks, and overlook the id
    /// that the file gives. Where the two differ the file contradicts itself.
    mutating func add(_ token: String, id: Int) throws(Failure) {
        let bytes = token.utf8Span.span
        let known = vocabulary.id(of: bytes)
        let expected = known.map(Int.init) ?? vocabulary.count + lacking.insert(bytes).index
        guard id == expected else {
            throw Failure(
                .tokenizerInvalid, "an added token has another id than its place gives it", object: token,
                expected: "\(expected)", actual: "\(id)")
        }
        guard known != nil || vocabulary.token(for: Int32(id)) == nil else {
            throw Failure(.tokenizerInvalid, "two tokens have the same id", object: token, actual: "\(id)")
        }
    }

    /// One more than the largest id of a token, added or not.
    var idCount: Int { max(vocabulary.idCount, lacking.count == 0 ? 0 : vocabulary.count + lacking.count) }

    /// The model with its tokens looked up.
    ///
    /// Throws ``Failure/Code/tokenizerInvalid`` for a merge of, or to, a token that the vocabulary lacks, and where nothing
    /// stands for what is unknown.
    ///
    /// - Parameter isOfBytes: Whether it sees the bytes of words, in the alphabet of GPT-2.
    func model(isOfBytes: Bool) throws(Failure) -> TokenModel {
        switch kind {
        case "BPE": return .bytePairs(try bytePairs(isOfBytes: isOfBytes))
        case _ where isOfBytes: throw Failure.unsupportedTokenizer("the model", "\(kind) over bytes")
        case "WordPiece":
            let name = unknown ?? "[UNK]"
            guard let id = vocabulary.id(of: name) else { throw Self.noUnknown(name) }
            return .wordPieces(
                WordPieces(
                    vocabulary, unknown: id, prefix: continuationPrefix ?? "##", characterLimit: characterLimit))
        default:
            guard let scores, let unknownID, scores.indices.contains(unknownID) else {
                throw Self.noUnknown("`unk_id`")
            }
            return .unigram(
                Unigram(
                    vocabulary, scores: scores, unknown: Int32(unknownID),
                    byteTokens: fallsBackToBytes ? spelledByteTokens : [Int32](repeating: -1, count: 256)))
        }
    }

    private func bytePairs(isOfBytes: Bool) throws(Failure) -> BytePairEncoding {
        let merges = merges ?? []
        var table = MergeTable(minimumCapacity: merges.count)
        for merge in merges {
            let joined = Array(merge.left.utf8) + Array(merge.right.utf8)
            guard let left = vocabulary.id(of: merge.left), let right = vocabulary.id(of: merge.right),
                let result = vocabulary.id(of: joined.span)
            else {
                throw Failure(
                    .tokenizerInvalid, "a merge names a token that is not in the vocabulary",
                    object: merge.left + " " + merge.right)
            }
            table.append(left, right, result: result)
        }
        if isOfBytes, fallsBackToBytes {
            throw Failure.unsupportedTokenizer("the model", "BPE with `byte_fallback` over bytes")
        }
        var bytes = [Int32](repeating: -1, count: 256)
        if isOfBytes {
            bytes = ByteAlphabet.encoded.map { vocabulary.id(of: $0.span) ?? -1 }
        } else if fallsBackToBytes {
            bytes = spelledByteTokens
        }
        let unknownID = unknown.flatMap { vocabulary.id(of: $0) }
        if let unknown, unknownID == nil, bytes.contains(-1) { throw Self.noUnknown(unknown) }
        return BytePairEncoding(
            vocabulary, table,
            BytePairEncoding.Options(
                isOfBytes: isOfBytes, byteTokens: bytes, unknown: unknownID, joinsUnknown: joinsUnknown,
                ignoresMerges: ignoresMerges))
    }

    /// The token of each byte, as `<0x00>` and so on, −1 for none.
    private var spelledByteTokens: [Int32] {
        (0..<256).map { (byte: Int) in
            let digits = String(byte, radix: 16, uppercase: true)
            return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>") ?? -1
        }
    }

    private static func noUnknown(_ name: String) -> Failure {
        Failure(.tokenizerInvalid, "the token for what is unknown is not in the vocabulary", object: name)
    }
}
