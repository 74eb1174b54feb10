import Diagnostics
import JSON

/// The `model` of a `tokenizer.json`.
struct ModelPart {
    private(set) var vocabulary = Vocabulary()
    private var type: String?
    private var hasVocabulary = false
    private var merges: [(left: String, right: String)] = []
    /// The id of the next added token that the model lacks: they follow the model's own.
    private var nextID = 0
    private var unknown: String?
    private var joinsUnknown = false
    private var ignoresMerges = false
    /// What a model over bytes does not have, by its key.
    private var foreign: [String] = []

    // MARK: The text

    mutating func scan(_ scanner: inout JSONScanner) throws(Failure) {
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "type": type = try scanner.string()
            case "vocab": try scanVocabulary(&scanner)
            case "merges": try scanMerges(&scanner)
            case "unk_token": unknown = try scanner.value().string
            case "fuse_unk": joinsUnknown = try scanner.value().bool ?? false
            case "ignore_merges": ignoresMerges = try scanner.value().bool ?? false
            case "byte_fallback": if try scanner.value().bool == true { foreign.append(key) }
            case "continuing_subword_prefix", "end_of_word_suffix":
                if let text = try scanner.value().string, !text.isEmpty { foreign.append(key) }
            case "dropout": if let rate = try scanner.value().double, rate != 0 { foreign.append(key) }
            default: try scanner.skip()
            }
        }
    }

    /// A list, which is that of a Unigram model, is passed over: its type will be refused.
    private mutating func scanVocabulary(_ scanner: inout JSONScanner) throws(Failure) {
        guard try scanner.peek() == .object else { return try scanner.skip() }
        hasVocabulary = true
        try scanner.beginObject()
        while let token = try scanner.nextKey() {
            guard token.utf8.count <= TokenizerLimits.tokenByteCount else {
                throw Failure(
                    .tokenizerInvalid, "a token is too long", object: String(token.prefix(40)) + "…",
                    expected: "at most \(TokenizerLimits.tokenByteCount) bytes")
            }
            try vocabulary.insert(token, id: try scanner.integer(in: 0...TokenizerLimits.idCount - 1))
        }
        nextID = vocabulary.count
    }

    private mutating func scanMerges(_ scanner: inout JSONScanner) throws(Failure) {
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

    /// Throws ``Failure/Code/tokenizerUnsupported`` for another kind of model, by its name.
    func checkKind() throws(Failure) {
        if let type, type != "BPE" { throw .unsupportedTokenizer("the model", type) }
        if foreign.contains("byte_fallback") {
            throw .unsupportedTokenizer("the model", "BPE with byte fallback, as SentencePiece makes it")
        }
        if let key = foreign.first { throw .unsupportedTokenizer("the model", "BPE with `\(key)`") }
        guard hasVocabulary else { throw Failure(.tokenizerInvalid, "the model has no vocabulary") }
    }

    /// Takes up an added token.
    ///
    /// Other tools go by the token where the model has it, else by the order of those that it lacks, and overlook the id
    /// that the file gives. Where the two differ the file contradicts itself.
    mutating func add(_ token: String, id: Int) throws(Failure) {
        let expected: Int
        if let known = vocabulary.id(of: token) {
            expected = Int(known)
        } else {
            expected = nextID
            nextID += 1
        }
        guard id == expected else {
            throw Failure(
                .tokenizerInvalid, "an added token has another id than its place gives it", object: token,
                expected: "\(expected)", actual: "\(id)")
        }
        if vocabulary.id(of: token) == nil { try vocabulary.insert(token, id: id) }
    }

    /// The model with its merges looked up.
    ///
    /// Throws ``Failure/Code/tokenizerInvalid`` for a merge of, or to, a token that the vocabulary lacks.
    func encoding() throws(Failure) -> BytePairEncoding {
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
        let bytes = ByteAlphabet.encoded.map { vocabulary.id(of: $0.span) ?? -1 }
        let unknownID = unknown.flatMap { vocabulary.id(of: $0) }
        if let unknown, unknownID == nil, bytes.contains(-1) {
            throw Failure(.tokenizerInvalid, "the token for what is unknown is not in the vocabulary", object: unknown)
        }
        return BytePairEncoding(
            vocabulary: vocabulary, merges: table, byteTokens: bytes, unknown: unknownID, joinsUnknown: joinsUnknown,
            ignoresMerges: ignoresMerges)
    }
}
