import Diagnostics
import Testing

@Suite("Escaping for terminals")
struct EscapingTests {
    @Test("text stays as it is", arguments: ["", "model.layers.0", "Größe 大きさ", "a b", "👍", "e\u{301}", "\\u{1b}"])
    func plain(text: String) {
        #expect(text.escapedForTerminal == text)
    }

    @Test(
        "what could act on a terminal is shown",
        arguments: [
            ("\u{1B}[31mred\u{1B}[0m", #"\u{1b}[31mred\u{1b}[0m"#), ("a\nb\r\tc", #"a\u{a}b\u{d}\u{9}c"#),
            ("\u{0}\u{7}\u{7F}", #"\u{0}\u{7}\u{7f}"#), ("\u{9B}31m", #"\u{9b}31m"#),
            ("\u{202E}gpj.exe\u{202C}", #"\u{202e}gpj.exe\u{202c}"#), ("\u{2066}x\u{2069}", #"\u{2066}x\u{2069}"#),
            ("\u{200B}\u{FEFF}\u{200E}", #"\u{200b}\u{feff}\u{200e}"#), ("\u{2028}\u{2029}", #"\u{2028}\u{2029}"#),
            ("\u{E000}", #"\u{e000}"#), ("\u{E0041}", #"\u{e0041}"#), ("\r\n", #"\u{d}\u{a}"#),
        ])
    func escaped(text: String, expected: String) {
        #expect(text.escapedForTerminal == expected)
    }

    @Test("of every scalar nothing is left that moves a cursor or turns a line")
    func everyScalar() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(scalar).escapedForTerminal
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: #expect(text.hasPrefix("\\u{"))
            default: break
            }
        }
    }
}
