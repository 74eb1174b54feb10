import Diagnostics
import Files
import JSON

/// What a `tokenizer.json` says, read part by part: the long lists as they come, the rest as documents.
struct TokenizerFile {
    let path: String
    private(set) var added = AddedTokens()
    private(set) var normalizer = Normalizer()
    private(set) var preTokenizer = PreTokenizer()
    private(set) var postProcessor = PostProcessor()
    private(set) var decoder = Decoder()
    private var parts: [String: JSONValue] = [:]
    private var modelPart: ModelPart?

    init(path: String) {
        self.path = path
    }

    mutating func read() throws(Failure) {
        do throws(Failure) {
            try scan()
            // What is missing is told first by what is most telling: the kind of the model.
            guard modelPart != nil else { throw Failure(.tokenizerInvalid, "the file describes no model") }
            try modelPart?.checkKind()
            normalizer = try Normalizer(json: parts["normalizer"] ?? nil)
            preTokenizer = try PreTokenizer(json: parts["pre_tokenizer"] ?? nil)
            decoder = try Decoder(json: parts["decoder"] ?? nil)
            try readAdded(parts["added_tokens"]?.array ?? [])
            postProcessor = try PostProcessor(json: parts["post_processor"] ?? nil)
            guard Int(postProcessor.largestID) < idCount else {
                throw Failure(.tokenizerInvalid, "a token that is put around a text is not in the vocabulary")
            }
        } catch {
            throw error.at(path: path)
        }
    }

    /// One more than the largest id of a token.
    var idCount: Int { modelPart?.idCount ?? 0 }

    /// The model; ``read()`` comes first.
    func model() throws(Failure) -> TokenModel {
        guard let modelPart else { throw Failure(.internal, "the tokenizer's file was not read") }
        do throws(Failure) {
            return try modelPart.model(isOfBytes: preTokenizer.isOfBytes)
        } catch {
            throw error.at(path: path)
        }
    }

    /// Takes up a file with one token of BERT a line, as what lies beside it says.
    mutating func readLines(_ options: WordPieceOptions) throws(Failure) {
        do throws(Failure) {
            let text = String(decoding: try contents(), as: UTF8.self)
            var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
                String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            }
            if lines.last?.isEmpty == true { lines.removeLast() }
            modelPart = try ModelPart(lines: lines, unknown: options.unknown)
            normalizer.steps = [.bert(options.cleaning)]
            preTokenizer.stages = [.bert]
            decoder.steps = [.wordPieces(prefix: Array("##".utf8), cleans: true)]
            for content in options.specials {
                guard let id = modelPart?.vocabulary.id(of: content) else { continue }
                let token = AddedTokens.Token(content: content, isSpecial: true, isNormalized: false)
                added.insert(token, id: id, normalizer: normalizer)
            }
            guard let before = added.id(of: options.before), let after = added.id(of: options.after) else {
                throw Failure(
                    .tokenizerInvalid, "the vocabulary lacks a token that is put around a text",
                    expected: "`\(options.before)` and `\(options.after)`")
            }
            postProcessor = PostProcessor(before: before, after: after)
        } catch {
            throw error.at(path: path)
        }
    }

    private func contents() throws(Failure) -> [UInt8] {
        let file = try InputFile(path: path)
        guard file.size <= TokenizerLimits.byteCount else {
            throw Failure(
                .tooLarge, "the tokenizer's file is too large", expected: "at most \(TokenizerLimits.byteCount) bytes",
                actual: "\(file.size)")
        }
        return try file.read(at: 0, count: file.size)
    }

    private mutating func scan() throws(Failure) {
        let bytes = try contents()
        var scanner = try JSONScanner(
            unsafe bytes.span.bytes, path: path, limit: TokenizerLimits.byteCount, mismatch: .tokenizerInvalid)
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "model":
                var part = ModelPart()
                try part.scan(&scanner)
                modelPart = part
            case "normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens":
                parts[key] = try scanner.value()
            default: try scanner.skip()
            }
        }
        try scanner.end()
    }

    private mutating func readAdded(_ tokens: [JSONValue]) throws(Failure) {
        var byteCount = 0
        for json in tokens {
            guard let content = json["content"]?.string, let id = json["id"]?.int,
                (0..<TokenizerLimits.idCount).contains(id)
            else { throw Failure(.tokenizerInvalid, "an added token has no content, or no id that can be") }
            if content.isEmpty { continue }
            guard content.utf8.count <= TokenizerLimits.addedTokenByteCount else {
                throw Failure(
                    .tokenizerInvalid, "an added token is too long", object: String(content.prefix(40)) + "…",
                    expected: "at most \(TokenizerLimits.addedTokenByteCount) bytes")
            }
            byteCount += content.utf8.count
            guard byteCount <= TokenizerLimits.addedByteCount else {
                throw Failure(.tokenizerInvalid, "the added tokens are too long together")
            }
            try modelPart?.add(content, id: id)
            let token = AddedTokens.Token(
                content: content, isSpecial: json["special"]?.bool ?? false,
                isNormalized: json["normalized"]?.bool ?? true, isSingleWord: json["single_word"]?.bool ?? false,
                stripsLeft: json["lstrip"]?.bool ?? false, stripsRight: json["rstrip"]?.bool ?? false)
            added.insert(token, id: Int32(id), normalizer: normalizer)
        }
    }
}

extension Failure {
    /// What of a tokenizer is not understood here, by the name its file has for it.
    static func unsupportedTokenizer(_ part: String, _ name: String) -> Failure {
        Failure(
            .tokenizerUnsupported, "\(part) of the tokenizer is not one that is understood here", actual: name,
            hint: "`Spec/data.md` lists what is understood; or give `input_ids` in the data")
    }
}

extension JSONValue {
    /// What kind of part this is, as its file says.
    var type: String { self["type"]?.string ?? "one without a type" }

    /// The parts of a sequence of them, or the one part that this is.
    ///
    /// - Parameters:
    ///   - name: What the parts are, for failures.
    ///   - list: The key of a sequence's parts.
    func flattened(_ name: String, list: String) throws(Failure) -> [JSONValue] {
        guard object != nil else { throw Failure(.tokenizerInvalid, "the \(name) is not described by an object") }
        guard type == "Sequence" else { return [self] }
        guard let parts = self[list]?.array else {
            throw Failure(.tokenizerInvalid, "the \(name) is a sequence without parts", expected: "`\(list)`")
        }
        var flat: [JSONValue] = []
        for part in parts { flat += try part.flattened(name, list: list) }
        return flat
    }
}
