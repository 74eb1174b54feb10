#if !canImport(Darwin)
    @_spi(_Unicode) import Swift
#endif

/// What is done to a text before it is cut.
enum Normalizer: Hashable, Sendable {
    case none
    /// Unicode's canonical composition.
    case nfc

    /// Whether the standard library of this system can compose; Darwin's keeps that to itself.
    static var canCompose: Bool {
        #if canImport(Darwin)
            false
        #else
            true
        #endif
    }

    func callAsFunction(_ text: [UInt8]) -> [UInt8] {
        self == .none || Self.isSurelyComposed(text) ? text : Self.composed(text)
    }

    private static func isSurelyComposed(_ text: [UInt8]) -> Bool {
        // No character below U+0300 is one that composition would change.
        if text.allSatisfy({ $0 < 0xCC }) { return true }
        let string = String(decoding: text, as: UTF8.self)
        var span = string.utf8Span
        return span.checkForNFC(quickCheck: true)
    }

    /// By the tables of Unicode 9, which other tokenizers have: a character that came later neither composes nor moves, and
    /// nothing moves past it.
    private static func composed(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var known = ""
        let span = text.span
        var place = 0
        while place < span.count {
            let (scalar, length) = span.scalar(at: place)
            if let age = scalar.properties.age, age.major <= 9 {
                known.unicodeScalars += tibetanVowels[scalar] ?? [scalar]
            } else {
                append(known, to: &result)
                known = ""
                for index in place..<place + length { result.append(span[index]) }
            }
            place += length
        }
        append(known, to: &result)
        return result
    }

    /// The characters that decompose to marks without being marks, and their parts. The standard library leaves those parts
    /// where they stand among other marks, instead of sorting them.
    private static let tibetanVowels: [Unicode.Scalar: [Unicode.Scalar]] = [
        "\u{F73}": ["\u{F71}", "\u{F72}"], "\u{F75}": ["\u{F71}", "\u{F74}"], "\u{F81}": ["\u{F71}", "\u{F80}"],
    ]

    private static func append(_ text: String, to result: inout [UInt8]) {
        #if canImport(Darwin)
            result += text.utf8
        #else
            for scalar in text._nfc { result += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter }
        #endif
    }
}
