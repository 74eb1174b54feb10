import Diagnostics
import JSON

extension Normalizer {
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else { return }
        for part in try json.flattened("normalizer", list: "normalizers") { steps.append(try Self.step(part)) }
    }

    private static func step(_ part: JSONValue) throws(Failure) -> Step {
        switch part.type {
        case "NFC", "NFD", "NFKC", "NFKD": return .form(NormalizationForm(rawValue: part.type) ?? .nfc)
        case "BertNormalizer":
            let lowercases = part["lowercase"]?.bool ?? true
            return .bert(
                BertCleaning(
                    cleans: part["clean_text"]?.bool ?? true,
                    partsIdeographs: part["handle_chinese_chars"]?.bool ?? true,
                    stripsAccents: part["strip_accents"]?.bool ?? lowercases, lowercases: lowercases))
        case "Lowercase": return .lowercase
        case "StripAccents": return .stripAccents
        case "Strip":
            return .strip(left: part["strip_left"]?.bool ?? false, right: part["strip_right"]?.bool ?? false)
        case "Nmt": return .nmt
        case "Replace":
            return .replace(try BytePattern(json: part, of: "the normalizer"), with: try part.bytes("content"))
        case "Prepend": return .prepend(try part.bytes("prepend"))
        case "Precompiled":
            guard let text = part["precompiled_charsmap"]?.string, let bytes = [UInt8](base64: text),
                let map = Charsmap(bytes)
            else { throw Failure(.tokenizerInvalid, "the precompiled table of the normalizer cannot be read") }
            return .charsmap(map)
        default: throw Failure.unsupportedTokenizer("the normalizer", part.type)
        }
    }
}

extension PreTokenizer {
    /// Throws ``Failure/Code/tokenizerUnsupported`` naming what is not understood here; of a pattern its text.
    init(json: JSONValue?) throws(Failure) {
        guard let json, !json.isNull else { return }
        let parts = try json.flattened("pre-tokenizer", list: "pretokenizers")
        for (index, part) in parts.enumerated() {
            guard part.type == "ByteLevel" else {
                stages.append(try Self.stage(part, isOfBytes: isOfBytes))
                continue
            }
            guard !isOfBytes else {
                throw Failure.unsupportedTokenizer("the pre-tokenizer", "ByteLevel after ByteLevel")
            }
            isOfBytes = true
            if part["add_prefix_space"]?.bool ?? true { stages.append(.prefixSpace) }
            if part["use_regex"]?.bool ?? true { stages.append(.pattern(.gpt2)) }
            if index < parts.count - 1 { stages.append(.bytes) }
        }
    }

    private static func stage(_ part: JSONValue, isOfBytes: Bool) throws(Failure) -> Stage {
        switch part.type {
        case "Digits": return .digits(individual: part["individual_digits"]?.bool ?? false)
        case "Split": return try split(part, isOfBytes: isOfBytes)
        case _ where isOfBytes: throw Failure.unsupportedTokenizer("the pre-tokenizer", "\(part.type) after ByteLevel")
        case "Metaspace": return .metaspace(try Metaspace(json: part))
        case "Punctuation": return .punctuation(try behavior(part) ?? .isolated)
        case "Whitespace": return .words
        case "WhitespaceSplit": return .whitespace(.removed)
        case "BertPreTokenizer": return .bert
        case "CharDelimiterSplit":
            return .text(try part.bytes("delimiter"), .removed, isInverted: false)
        default: throw Failure.unsupportedTokenizer("the pre-tokenizer", part.type)
        }
    }

    private static func behavior(_ part: JSONValue) throws(Failure) -> Pieces.Behavior? {
        guard let name = part["behavior"]?.string else { return nil }
        guard let behavior = Pieces.Behavior(rawValue: name) else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer", "\(part.type) with behavior \(name)")
        }
        return behavior
    }

    private static func split(_ part: JSONValue, isOfBytes: Bool) throws(Failure) -> Stage {
        let isInverted = part["invert"]?.bool ?? false
        guard let behavior = try behavior(part) else {
            throw Failure(.tokenizerInvalid, "the pre-tokenizer `Split` has no behavior")
        }
        guard let regex = part["pattern"]?["Regex"]?.string else {
            guard let text = part["pattern"]?["String"]?.string, !text.isEmpty, !isOfBytes else {
                throw Failure.unsupportedTokenizer("the pre-tokenizer", "Split by no text, or after ByteLevel")
            }
            return .text(Array(text.utf8), behavior, isInverted: isInverted)
        }
        if regex == "[0-9][0-9][0-9]", behavior == .isolated { return .threeDigits }
        guard let pattern = WordPattern(regex: regex), !isOfBytes else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer's pattern", regex)
        }
        guard behavior == .isolated || behavior == .removed && isInverted && pattern.matchesAll else {
            throw Failure.unsupportedTokenizer("the pre-tokenizer", "Split with another behavior than Isolated")
        }
        return .pattern(pattern)
    }
}

extension Metaspace {
    init(json: JSONValue) throws(Failure) {
        sign = try json.bytes("replacement")
        guard String(decoding: sign, as: UTF8.self).unicodeScalars.count == 1 else {
            throw Failure(.tokenizerInvalid, "the sign for blanks is not one character")
        }
        if let name = json["prepend_scheme"]?.string {
            guard let scheme = Scheme(rawValue: name) else {
                throw Failure.unsupportedTokenizer("the prepend scheme", name)
            }
            self.scheme = scheme
        }
        if json["add_prefix_space"]?.bool == false { scheme = .never }
        splits = json["split"]?.bool ?? true
    }
}

extension BytePattern {
    /// - Parameter owner: What has the pattern, for failures.
    init(json: JSONValue, of owner: String) throws(Failure) {
        if let text = json["pattern"]?["String"]?.string, !text.isEmpty {
            self = .text(Array(text.utf8))
        } else if json["pattern"]?["Regex"]?.string == " {2,}" {
            self = .run(of: 0x20)
        } else {
            throw Failure.unsupportedTokenizer("\(owner)'s pattern", json["pattern"]?["Regex"]?.string ?? "none")
        }
    }
}

extension JSONValue {
    /// The bytes of a text that must be there.
    func bytes(_ key: String) throws(Failure) -> [UInt8] {
        guard let text = self[key]?.string.map({ Array($0.utf8) }) else {
            throw Failure(.tokenizerInvalid, "`\(type)` lacks a text", expected: "`\(key)`")
        }
        guard text.count <= TokenizerLimits.tokenByteCount else {
            throw Failure(.tokenizerInvalid, "a text of `\(type)` is too long", object: key)
        }
        return text
    }
}

extension [UInt8] {
    /// What a text in base 64 with padding stands for, nil where it is none.
    fileprivate init?(base64 text: String) {
        self = []
        guard text.utf8.count % 4 == 0 else { return nil }
        reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var count = 0
        var padding = 0
        for character in text.utf8 {
            let value: UInt32
            switch character {
            case 0x41...0x5A: value = UInt32(character) - 0x41
            case 0x61...0x7A: value = UInt32(character) - 0x61 + 26
            case 0x30...0x39: value = UInt32(character) - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                value = 0
                padding += 1
            default: return nil
            }
            if padding > 0, character != UInt8(ascii: "=") { return nil }
            group = group << 6 | value
            count += 1
            if count % 4 == 0 {
                for shift: UInt32 in [16, 8, 0] { append(UInt8(truncatingIfNeeded: group >> shift)) }
                group = 0
            }
        }
        guard padding <= 2 else { return nil }
        removeLast(padding)
    }
}
