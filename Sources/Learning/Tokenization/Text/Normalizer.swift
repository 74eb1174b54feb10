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

    /// No character below U+0300 is one that composition would change.
    private static func isSurelyComposed(_ text: [UInt8]) -> Bool {
        text.allSatisfy { $0 < 0xCC }
    }

    private static func composed(_ text: [UInt8]) -> [UInt8] {
        #if canImport(Darwin)
            text
        #else
            var result: [UInt8] = []
            result.reserveCapacity(text.count)
            for scalar in String(decoding: text, as: UTF8.self)._nfc {
                result += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            }
            return result
        #endif
    }
}
