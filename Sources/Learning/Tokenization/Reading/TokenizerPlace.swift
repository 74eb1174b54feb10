import Diagnostics
import Files
import JSON

/// Which token begins a text and which ends it, as files beside the tokenizer say.
struct TextEnds {
    enum End {
        case none
        case id(Int32)
        /// By its content.
        case content(String)

        func id(_ find: (String) -> Int32?) -> Int32? {
            switch self {
            case .none: nil
            case .id(let id): id
            case .content(let content): find(content)
            }
        }
    }

    var bos = End.none
    var eos = End.none
}

/// How text is cut for a vocabulary of BERT that is a list of tokens alone.
struct WordPieceOptions {
    var cleaning = BertCleaning()
    var unknown = "[UNK]"
    var before = "[CLS]"
    var after = "[SEP]"
    /// What is looked for in a text as it is.
    var specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
}

/// What shows that a folder has a tokenizer, be it one that is not read.
package enum TokenizerFiles {
    package static let names = ["tokenizer.json", "vocab.txt"] + unread.map(\.name)

    static let unread = [
        (name: "tokenizer.model", kind: "SentencePiece's own file; save it as `tokenizer.json`"),
        (name: "spiece.model", kind: "SentencePiece's own file; save it as `tokenizer.json`"),
        (name: "merges.txt", kind: "BPE in `vocab.json` and `merges.txt`; save it as `tokenizer.json`"),
    ]
}

/// Where a tokenizer's files lie.
struct TokenizerPlace {
    let file: String
    private let folder: String
    /// Whether the file is a list of tokens, one a line.
    let isList: Bool

    /// Throws ``Failure/Code/notFound`` where there is neither `tokenizer.json` nor `vocab.txt`, and
    /// ``Failure/Code/tokenizerUnsupported`` where there is a tokenizer of another kind instead.
    init(_ path: String) throws(Failure) {
        guard try Folder.kind(of: path) == .folder else {
            file = path
            folder = Paths.parent(of: path)
            isList = path.hasSuffix(".txt")
            return
        }
        folder = path
        let document = Paths.joined(path, "tokenizer.json")
        let list = Paths.joined(path, "vocab.txt")
        isList = try Folder.kind(of: document) == nil
        file = isList ? list : document
        if try Folder.kind(of: file) != nil { return }
        for (name, kind) in TokenizerFiles.unread where try Folder.kind(of: Paths.joined(path, name)) != nil {
            throw Failure.unsupportedTokenizer("the model", kind).at(path: Paths.joined(path, name))
        }
        throw Failure(
            .notFound, "the folder has no tokenizer", path: path, expected: "`tokenizer.json` or `vocab.txt`",
            hint: "name the model's folder, or give `input_ids` in the data")
    }

    /// From `tokenizer_config.json`.
    func wordPieceOptions() throws(Failure) -> WordPieceOptions {
        var options = WordPieceOptions()
        guard let json = try document("tokenizer_config.json") else { return options }
        options.cleaning.lowercases = json["do_lower_case"]?.bool ?? true
        options.cleaning.stripsAccents = json["strip_accents"]?.bool ?? options.cleaning.lowercases
        options.cleaning.partsIdeographs = json["tokenize_chinese_chars"]?.bool ?? true
        func name(_ key: String, _ usual: String) -> String {
            json[key]?.string ?? json[key]?["content"]?.string ?? usual
        }
        options.unknown = name("unk_token", options.unknown)
        options.before = name("cls_token", options.before)
        options.after = name("sep_token", options.after)
        options.specials = [
            name("pad_token", "[PAD]"), options.unknown, options.before, options.after, name("mask_token", "[MASK]"),
        ]
        return options
    }

    /// From `tokenizer_config.json`; what it does not mention from `config.json`.
    func textEnds() throws(Failure) -> TextEnds {
        let tokenizer = try document("tokenizer_config.json")
        let model = try document("config.json")
        return TextEnds(
            bos: Self.end(tokenizer?["bos_token"], model?["bos_token_id"]),
            eos: Self.end(tokenizer?["eos_token"], model?["eos_token_id"]))
    }

    private static func end(_ token: JSONValue?, _ id: JSONValue?) -> TextEnds.End {
        if let token {
            let content = token.string ?? token["content"]?.string
            return content.map(TextEnds.End.content) ?? .none
        }
        guard let id = (id?.array?.first ?? id)?.int, (0..<TokenizerLimits.idCount).contains(id) else { return .none }
        return .id(Int32(id))
    }

    private func document(_ name: String) throws(Failure) -> JSONValue? {
        let path = Paths.joined(folder, name)
        guard try Folder.kind(of: path) == .file else { return nil }
        let file = try InputFile(path: path)
        guard file.size <= TokenizerLimits.configByteCount else {
            throw Failure(
                .tooLarge, "the file is too large", path: path,
                expected: "at most \(TokenizerLimits.configByteCount) bytes", actual: "\(file.size)")
        }
        return try JSONValue.parse(
            try file.read(at: 0, count: file.size), path: path, limit: TokenizerLimits.configByteCount)
    }
}
