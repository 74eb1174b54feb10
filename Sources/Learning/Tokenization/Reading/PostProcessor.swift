import Diagnostics
import JSON

/// What is put around a text or two, and what offsets leave out.
struct PostProcessor: Hashable, Sendable {
    /// A part of what a text becomes.
    enum Part: Hashable, Sendable {
        /// The tokens of the first text or the second.
        case text(Int, type: Int32)
        case token(Int32, type: Int32)
    }

    /// What one text becomes.
    private(set) var single: [Part] = [.text(0, type: 0)]
    private(set) var pair: [Part] = [.text(0, type: 0), .text(1, type: 1)]
    /// Whether offsets leave out the blanks that tokens begin and end with; of the first one only those that nobody added,
    /// where one is.
    private(set) var trimming: Trimming?

    struct Trimming: Hashable, Sendable {
        var addsPrefixSpace: Bool
    }

    init() {}

    /// Puts one token before a text and one after, as BERT does.
    init(before: Int32, after: Int32) {
        single = [.token(before, type: 0), .text(0, type: 0), .token(after, type: 0)]
        pair = single + [.text(1, type: 1), .token(after, type: 1)]
    }

    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else { return }
        var hasTokens = false
        for part in try json.flattened("post-processor", list: "processors") {
            switch part.type {
            case "ByteLevel": try trim(part, isAfterTokens: hasTokens)
            case "TemplateProcessing", "BertProcessing", "RobertaProcessing":
                guard !hasTokens else {
                    throw Failure.unsupportedTokenizer("the post-processor", "two that put tokens around a text")
                }
                hasTokens = true
                try addTokens(part)
            default: throw Failure.unsupportedTokenizer("the post-processor", part.type)
            }
        }
        guard single.count + pair.count <= TokenizerLimits.specialTokenCount else {
            throw Failure(.tokenizerInvalid, "too many tokens are put around a text")
        }
    }

    /// The largest id that is put around a text, −1 where there is none.
    var largestID: Int32 {
        (single + pair).map { if case .token(let id, _) = $0 { id } else { -1 } }.max() ?? -1
    }

    private mutating func trim(_ part: JSONValue, isAfterTokens: Bool) throws(Failure) {
        guard part["trim_offsets"]?.bool ?? true else { return }
        guard trimming == nil, !isAfterTokens else {
            throw Failure.unsupportedTokenizer("the post-processor", "one that trims offsets after another")
        }
        trimming = Trimming(addsPrefixSpace: part["add_prefix_space"]?.bool ?? true)
    }

    private mutating func addTokens(_ part: JSONValue) throws(Failure) {
        if part.type == "TemplateProcessing" {
            single = try Self.template(part, "single")
            pair = try Self.template(part, "pair")
            guard single.filter(\.isText) == single.filter({ $0.isText(0) }), single.contains(where: \.isText) else {
                throw Failure.unsupportedTokenizer("the post-processor", "a template of one text that asks for others")
            }
            return
        }
        let before = try Self.id(part["cls"]?.array?.last)
        let after = try Self.id(part["sep"]?.array?.last)
        self = PostProcessor(before: before, after: after, trimming)
        if part.type == "RobertaProcessing" {
            try trim(part, isAfterTokens: false)
            let second: [Part] = [.token(after, type: 0), .text(1, type: 0), .token(after, type: 0)]
            pair = single + second
        }
    }

    private init(before: Int32, after: Int32, _ trimming: Trimming?) {
        self.init(before: before, after: after)
        self.trimming = trimming
    }

    private static func template(_ template: JSONValue, _ name: String) throws(Failure) -> [Part] {
        var parts: [Part] = []
        for piece in template[name]?.array ?? [] {
            if let name = piece["SpecialToken"]?["id"]?.string {
                guard let ids = template["special_tokens"]?[name]?["ids"]?.array else {
                    throw Failure(.tokenizerInvalid, "the template names a token it does not define", object: name)
                }
                let type = type(piece["SpecialToken"])
                for id in ids { parts.append(.token(try Self.id(id), type: type)) }
            } else if let text = piece["Sequence"], let name = text["id"]?.string,
                let index = ["A", "B"].firstIndex(of: name)
            {
                parts.append(.text(index, type: type(text)))
            } else {
                throw Failure.unsupportedTokenizer("the post-processor", "a template of other parts")
            }
        }
        return parts
    }

    private static func type(_ part: JSONValue?) -> Int32 { Int32(clamping: part?["type_id"]?.int ?? 0) }

    private static func id(_ json: JSONValue?) throws(Failure) -> Int32 {
        guard let id = json?.int, (0..<TokenizerLimits.idCount).contains(id) else {
            throw Failure(.tokenizerInvalid, "a token that is put around a text has no id that can be")
        }
        return Int32(id)
    }
}

extension PostProcessor.Part {
    fileprivate var isText: Bool { isText(0) || isText(1) }

    fileprivate func isText(_ index: Int) -> Bool {
        if case .text(index, _) = self { true } else { false }
    }
}
