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
