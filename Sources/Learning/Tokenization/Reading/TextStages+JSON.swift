import Diagnostics
import JSON

extension Normalizer {
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here.
    init(json: JSONValue?) throws(Failure) {
        self = .none
        guard let json, !json.isNull else { return }
        for part in try json.flattened("normalizer", list: "normalizers") {
            guard part.type == "NFC" else { throw Failure.unsupportedTokenizer("the normalizer", part.type) }
            guard Self.canCompose else { throw Failure.unsupportedTokenizer("the normalizer", "NFC, on this system") }
            self = .nfc
        }
    }
}

extension PreTokenizer {
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here; of a pattern its text.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer", "none: BPE over characters")
        }
        let parts = try json.flattened("pre-tokenizer", list: "pretokenizers")
        for (index, part) in parts.enumerated() {
            switch part.type {
            case "Split": stages.append(.pattern(try Self.pattern(part)))
            case "Digits": stages.append(.digits(individual: part["individual_digits"]?.bool ?? false))
            case "ByteLevel" where index == parts.count - 1:
                if part["add_prefix_space"]?.bool ?? true { stages.append(.prefixSpace) }
                if part["use_regex"]?.bool ?? true { stages.append(.pattern(.gpt2)) }
            case "ByteLevel": throw Failure.unsupportedTokenizer("the pre-tokenizer", "ByteLevel before others")
            default: throw Failure.unsupportedTokenizer("the pre-tokenizer", part.type)
            }
        }
        guard parts.last?.type == "ByteLevel" else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer", "one without ByteLevel: BPE over characters")
        }
    }

    private static func pattern(_ split: JSONValue) throws(Failure) -> WordPattern {
        guard let regex = split["pattern"]?["Regex"]?.string else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer", "Split by a fixed text")
        }
        let keepsAll =
            switch (split["behavior"]?.string, split["invert"]?.bool ?? false) {
            case ("Isolated", _), ("Removed", true): true
            default: false
            }
        guard keepsAll else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer", "Split with another behavior than Isolated")
        }
        guard let pattern = WordPattern(regex: regex) else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer's pattern", regex)
        }
        return pattern
    }
}

/// The tokens that are put around a text.
struct PostProcessor: Hashable, Sendable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    init() {}

    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else { return }
        for part in try json.flattened("post-processor", list: "processors") {
            switch part.type {
            case "ByteLevel": break
            case "TemplateProcessing": try addTemplate(part)
            case "RobertaProcessing", "BertProcessing":
                prefix = [try Self.id(part["cls"]?.array?.last)] + prefix
                suffix.append(try Self.id(part["sep"]?.array?.last))
            default: throw Failure.unsupportedTokenizer("the post-processor", part.type)
            }
        }
        guard prefix.count + suffix.count <= TokenizerLimits.specialTokenCount else {
            throw Failure(.tokenizerInvalid, "too many tokens are put around a text")
        }
    }

    private mutating func addTemplate(_ template: JSONValue) throws(Failure) {
        var before: [Int32] = []
        var after: [Int32]?
        for piece in template["single"]?.array ?? [] {
            if let name = piece["SpecialToken"]?["id"]?.string {
                guard let ids = template["special_tokens"]?[name]?["ids"]?.array else {
                    throw Failure(.tokenizerInvalid, "the template names a token it does not define", object: name)
                }
                for id in ids {
                    if after == nil { before.append(try Self.id(id)) } else { after?.append(try Self.id(id)) }
                }
            } else if piece["Sequence"]?["id"]?.string == "A", after == nil {
                after = []
            } else {
                throw Failure.unsupportedTokenizer("the post-processor", "a template of one text that asks for others")
            }
        }
        guard let after else {
            throw Failure.unsupportedTokenizer("the post-processor", "a template without the text")
        }
        prefix = before + prefix
        suffix += after
    }

    private static func id(_ json: JSONValue?) throws(Failure) -> Int32 {
        guard let id = json?.int, (0..<TokenizerLimits.idCount).contains(id) else {
            throw Failure(.tokenizerInvalid, "a token that is put around a text has no id that can be")
        }
        return Int32(id)
    }
}
