/// What is done to a text before it is cut, step by step.
struct Normalizer: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case form(NormalizationForm)
        case bert(BertCleaning)
        case lowercase
        case stripAccents
        case strip(left: Bool, right: Bool)
        case replace(BytePattern, with: [UInt8])
        case prepend([UInt8])
        /// Controls left out and white space made blanks, as in Google's translation models.
        case nmt
        case charsmap(Charsmap)
    }

    var steps: [Step] = []

    func callAsFunction(_ text: inout AlignedText) {
        for step in steps {
            switch step {
            case .form(let form): form(&text)
            case .bert(let cleaning): cleaning(&text)
            case .lowercase: text.lowercase()
            case .stripAccents: if !text.isASCII { text.filter { !$0.isMark } }
            case .strip(let left, let right): text.strip(left: left, right: right)
            case .replace(let pattern, let content): text.replace(pattern, with: content)
            case .prepend(let prefix): text.prepend(prefix)
            case .nmt: text.cleanForTranslation()
            case .charsmap(let map): map(&text)
            }
        }
    }

    /// The normal form of a text on its own.
    func callAsFunction(_ text: [UInt8]) -> [UInt8] {
        var text = AlignedText(text[...], isTracked: false)
        self(&text)
        return text.bytes
    }
}

/// What BERT does to a text: controls left out, ideographs set alone, accents taken off, capitals made small.
struct BertCleaning: Hashable, Sendable {
    var cleans = true
    var partsIdeographs = true
    var stripsAccents = true
    var lowercases = true

    func callAsFunction(_ text: inout AlignedText) {
        if text.isASCII, !text.isTracked { return cleanPlain(&text) }
        if cleans {
            text.filter { !$0.isControl }
            text.map { $0.isWhitespace ? " " : $0 }
        }
        if text.isASCII {
            if lowercases { text.lowercase() }
            return
        }
        if partsIdeographs {
            text.rewrite { text, output in
                text.forEachScalar { scalar in
                    guard scalar.isIdeograph else { return output.put(scalar, 0) }
                    output.put(" ", 0)
                    output.put(scalar, 1)
                    output.put(" ", 1)
                }
            }
        }
        if stripsAccents {
            NormalizationForm.nfd(&text)
            text.filter { !$0.isAccent }
        }
        if lowercases { text.lowercase() }
    }

    /// The same for ASCII, where nobody asks for offsets.
    private func cleanPlain(_ text: inout AlignedText) {
        text.changeBytes { byte in
            switch byte {
            case 0x09...0x0D where cleans: byte == 0x0B || byte == 0x0C ? nil : 0x20
            case 0..<0x20 where cleans, 0x7F where cleans: nil
            case 0x41...0x5A where lowercases: byte + 0x20
            default: byte
            }
        }
    }
}

extension AlignedText {
    var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    mutating func lowercase() {
        if isASCII, !isTracked {
            changeBytes { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
            return
        }
        rewrite { text, output in
            text.forEachScalar { scalar in
                if scalar.isASCII || !scalar.properties.changesWhenLowercased {
                    let isCapital = ("A"..."Z").contains(scalar)
                    return output.put(isCapital ? Unicode.Scalar(UInt8(scalar.value) + 0x20) : scalar, 0)
                }
                for (index, part) in scalar.properties.lowercaseMapping.unicodeScalars.enumerated() {
                    output.put(part, index == 0 ? 0 : 1)
                }
            }
        }
    }

    fileprivate mutating func strip(left: Bool, right: Bool) {
        let text = bytes
        let span = text.span
        var start = 0
        var end = span.count
        while left, start < end, case let (scalar, length) = span.scalar(at: start), scalar.isWhitespace {
            start += length
        }
        while right, end > start, case let (scalar, length) = span.scalar(before: end), scalar.isWhitespace {
            end -= length
        }
        keep(start..<end)
    }

    fileprivate mutating func cleanForTranslation() {
        filter { scalar in
            switch scalar.value {
            case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: false
            default: true
            }
        }
        map { scalar in
            switch scalar.value {
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: " "
            default: scalar
            }
        }
    }
}
