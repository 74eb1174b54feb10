import Diagnostics
import JSON
import Testing

/// Texts where parsers may differ by RFC 8259: what ours does, pinned.
@Suite struct PinnedTests {
    @Test(arguments: [
        Refused("high surrogate alone", #"["\uD800"]"#, at: 2),
        Refused("low surrogate alone", #"["\uDC00"]"#, at: 2),
        Refused("high surrogate before a letter", #"["\uD834x"]"#, at: 2),
        Refused("high surrogate before another escape", #"["\uD834\n"]"#, at: 2),
        Refused("high surrogate before a character's escape", #"["\uD834\u0041"]"#, at: 2),
        Refused("two high surrogates", #"["\uD834\uD834"]"#, at: 2),
        Refused("surrogates in the wrong order", #"["\uDD1E\uD834"]"#, at: 2),
        Refused("surrogate after a pair", #"["\uD834\uDD1E\uDD1E"]"#, at: 14),
        Refused("high surrogate and a cut escape", #"["\uD834\u"]"#, at: 8),
        Refused("surrogate alone in a key", #"{"\uDFFF":1}"#, at: 2),
        Refused("surrogate escaped in small letters", #"["\udabc"]"#, at: 2),
    ])
    func loneSurrogates(_ refused: Refused) { refused.check() }

    @Test(arguments: [
        Refused("continuation byte alone", bytes: [0x5B, 0x22, 0x80, 0x22, 0x5D], at: 2),
        Refused("byte of Latin-1", bytes: [0x5B, 0x22, 0xE9, 0x22, 0x5D], at: 2),
        Refused("two bytes cut", bytes: [0x5B, 0x22, 0xC3, 0x22, 0x5D], at: 2),
        Refused("three bytes cut", bytes: [0x5B, 0x22, 0xE2, 0x82, 0x22, 0x5D], at: 2),
        Refused("four bytes cut by the end", bytes: [0x22, 0xF0, 0x9D, 0x84], at: 1),
        Refused("slash in two bytes", bytes: [0x22, 0xC0, 0xAF, 0x22], at: 1),
        Refused("NUL in two bytes", bytes: [0x22, 0xC0, 0x80, 0x22], at: 1),
        Refused("slash in three bytes", bytes: [0x22, 0xE0, 0x80, 0xAF, 0x22], at: 1),
        Refused("slash in four bytes", bytes: [0x22, 0xF0, 0x80, 0x80, 0xAF, 0x22], at: 1),
        Refused("five bytes", bytes: [0x22, 0xF8, 0x88, 0x80, 0x80, 0x80, 0x22], at: 1),
        Refused("six bytes", bytes: [0x22, 0xFC, 0x84, 0x80, 0x80, 0x80, 0x80, 0x22], at: 1),
        Refused("surrogate in three bytes", bytes: [0x22, 0xED, 0xA0, 0x80, 0x22], at: 1),
        Refused("surrogate pair in six bytes", bytes: [0x22, 0xED, 0xA0, 0xB4, 0xED, 0xB4, 0x9E, 0x22], at: 1),
        Refused("beyond U+10FFFF", bytes: [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], at: 1),
        Refused("byte FE", bytes: [0x22, 0xFE, 0x22], at: 1),
        Refused("byte FF outside a string", bytes: [0x5B, 0xFF, 0x5D], at: 1),
        Refused("invalid after a valid character", bytes: [0x22, 0xC3, 0xA9, 0xC3, 0x22], at: 3),
        Refused("byte order mark", bytes: [0xEF, 0xBB, 0xBF, 0x5B, 0x5D], at: 0),
        Refused("byte order mark alone", bytes: [0xEF, 0xBB, 0xBF], at: 0),
        Refused("byte order mark cut", bytes: [0xEF, 0xBB, 0x5B, 0x5D], at: 0),
        Refused("UTF-16 with a mark, little-endian", bytes: [0xFF, 0xFE, 0x5B, 0, 0x5D, 0], at: 0),
        Refused("UTF-16 without a mark, little-endian", bytes: [0x5B, 0, 0x5D, 0], at: 1),
        Refused("UTF-16 without a mark, big-endian", bytes: [0, 0x5B, 0, 0x5D], at: 0),
    ])
    func encodings(_ refused: Refused) { refused.check() }

    @Test(arguments: [
        Refused("huge exponent", "[1e9999]", at: 1, .jsonNumber),
        Refused("huge exponent, negative value", "[-1e+9999]", at: 1, .jsonNumber),
        Refused("huge exponent with a fraction", "[ 1.5E+9999]", at: 2, .jsonNumber),
        Refused("exponent beyond 64 bits", "[1e99999999999999999999999999]", at: 1, .jsonNumber),
        Refused("barely beyond a double", "[1.7976931348623159e308]", at: 1, .jsonNumber),
        Refused("too small for a double", "[1e-9999]", at: 1, .jsonNumber),
        Refused("barely too small for a double", "[2e-324]", at: 1, .jsonNumber),
        Refused("zeros first, and too small", "[0.0001e-400]", at: 1, .jsonNumber),
        Refused("digits beyond a double", "[" + String(repeating: "9", count: 310) + "]", at: 1, .jsonNumber),
        Refused("digits beyond the limit", "[" + String(repeating: "1", count: 2049) + "]", at: 1, .jsonLimit),
        Refused("33 arrays", String(repeating: "[", count: 33), at: 32, .jsonLimit),
        Refused("100,000 arrays", String(repeating: "[", count: 100_000), at: 32, .jsonLimit),
        Refused("100,000 objects", String(repeating: #"{"":"#, count: 100_000), at: 128, .jsonLimit),
    ])
    func extremes(_ refused: Refused) { refused.check() }

    /// What the grammar allows and a document keeps, although a double would not hold it.
    @Test(arguments: [
        "1000000000000000019884624838656", "-237462374673276894279832749832423479823246327846",
        "9007199254740993", "18446744073709551616", "0e99999", "-0.0e-99999", "0.1000000000000000055511151231257827",
        "4.9e-324", "1.7976931348623157e308", "123e65", "1E-2", "0E+1", "-0", "-0.0",
    ])
    func numbersKeepTheirText(_ number: String) throws {
        let value = try parse(number)
        #expect(value.number?.text == number)
        #expect(value.double == Double(number))
        #expect(text(value, .compact) == number)
    }

    @Test func charactersThatAreNoCharactersAreKept() throws {
        #expect(try parse(#""\uFFFF\uFDD0""#).string?.unicodeScalars.map(\.value) == [0xFFFF, 0xFDD0])
        #expect(try parse("\"\u{FEFF}\u{7F}\u{85}\u{2028}\"").string == "\u{FEFF}\u{7F}\u{85}\u{2028}")
        #expect(try parse(#""\u0000""#).string == "\0")
    }

    /// The text is too long before anything else is wrong with it.
    @Test func lengthComesFirst() throws {
        let bytes = [UInt8](repeating: 0xFF, count: 11)
        let found = failure(parsing: bytes, limit: 10)
        #expect(found?.code == .jsonLimit)
        #expect(found?.offset == 0)
        #expect(failure(parsing: bytes, limit: 11)?.code == .jsonSyntax)
    }

    @Test func fourMebibytesAreTheLimit() throws {
        let padding = [UInt8](repeating: 0x20, count: 1000)
        let text = padding + Array("[]".utf8)
        #expect(failure(parsing: text + [UInt8](repeating: 0x0A, count: (4 << 20) - text.count)) == nil)
        #expect(
            failure(parsing: text + [UInt8](repeating: 0x0A, count: (4 << 20) + 1 - text.count))?.code == .jsonLimit)
    }

    @Test func thirtyTwoLevelsAreTheLimit() throws {
        let arrays = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(failure(parsing: arrays) == nil)
        // Depth counts what is open, not what was.
        #expect(failure(parsing: "[" + String(repeating: "[],", count: 100) + "[]]") == nil)
    }
}
