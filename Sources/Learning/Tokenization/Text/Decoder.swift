/// What makes a text of tokens again, step by step.
struct Decoder: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case byteLevel
        case byteFallback
        case fuse
        case strip(Unicode.Scalar, start: Int, stop: Int)
        case replace(BytePattern, with: [UInt8])
        case metaspace(sign: [UInt8], dropsFirst: Bool)
        case wordPieces(prefix: [UInt8], cleans: Bool)
    }

    /// Nil where the file has none: then blanks are put between tokens.
    var steps: [Step]? = []

    func callAsFunction(_ tokens: [[UInt8]]) -> String {
        guard let steps else { return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self) }
        var tokens = tokens
        for step in steps {
            switch step {
            case .byteLevel: tokens = [Self.bytes(of: tokens)]
            case .byteFallback: tokens = Self.joiningBytes(tokens)
            case .fuse: tokens = [Array(tokens.joined())]
            case .strip(let scalar, let start, let stop):
                for index in tokens.indices { Self.strip(&tokens[index], Array(String(scalar).utf8), start, stop) }
            case .replace(let pattern, let content):
                for index in tokens.indices { tokens[index].replace(pattern, with: content) }
            case .metaspace(let sign, let dropsFirst):
                for index in tokens.indices {
                    tokens[index].replace(.text(sign), with: index == 0 && dropsFirst ? [] : [0x20])
                }
            case .wordPieces(let prefix, let cleans):
                for index in tokens.indices { Self.joinWordPiece(&tokens[index], isFirst: index == 0, prefix, cleans) }
            }
        }
        return String(decoding: Array(tokens.joined()), as: UTF8.self)
    }

    /// The bytes that tokens of GPT-2's alphabet stand for, with U+FFFD for what is no UTF-8.
    private static func bytes(of tokens: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for token in tokens { ByteAlphabet.append(String(decoding: token, as: UTF8.self), to: &bytes) }
        return Array(String(decoding: bytes, as: UTF8.self).utf8)
    }

    /// Makes characters of bytes in a row that are spelled `<0x00>`; of each one U+FFFD where they are no UTF-8 together.
    private static func joiningBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var joined: [[UInt8]] = []
        var bytes: [UInt8] = []
        func settle() {
            if bytes.isEmpty { return }
            if String(validating: bytes, as: UTF8.self) != nil {
                joined.append(bytes)
            } else {
                joined += repeatElement(Array("\u{FFFD}".utf8), count: bytes.count)
            }
            bytes.removeAll()
        }
        for token in tokens {
            if let byte = byte(spelledBy: token) {
                bytes.append(byte)
            } else {
                settle()
                joined.append(token)
            }
        }
        settle()
        return joined
    }

    private static func byte(spelledBy token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token.last == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }

    private static func strip(_ token: inout [UInt8], _ wanted: [UInt8], _ start: Int, _ stop: Int) {
        var first = 0
        var last = token.count
        for _ in 0..<start where token[first...].starts(with: wanted) { first += wanted.count }
        for _ in 0..<stop
        where last - first >= wanted.count && token[(last - wanted.count)..<last].elementsEqual(wanted) {
            last -= wanted.count
        }
        if last - first < token.count { token = Array(token[first..<last]) }
    }

    private static func joinWordPiece(_ token: inout [UInt8], isFirst: Bool, _ prefix: [UInt8], _ cleans: Bool) {
        if !isFirst {
            if token.starts(with: prefix) { token.removeFirst(prefix.count) } else { token.insert(0x20, at: 0) }
        }
        guard cleans, token.contains(0x20) else { return }
        for (wanted, content) in artifacts { token.replace(.text(wanted), with: content) }
    }

    /// Blanks that cutting put before punctuation and contractions.
    private static let artifacts: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
}

extension [UInt8] {
    fileprivate mutating func replace(_ pattern: BytePattern, with content: [UInt8]) {
        let matches = pattern.matches(in: span)
        if matches.isEmpty { return }
        var replaced: [UInt8] = []
        var done = 0
        for match in matches {
            replaced += self[done..<match.lowerBound]
            replaced += content
            done = match.upperBound
        }
        self = replaced + self[done...]
    }
}
