import Files
import Support
import Testing
import Tokenization

/// What holds of every text.
@Suite struct EncodingTests {
    static let tokenizer = Result {
        try Tokenizer(path: Paths.joined(HostileCase.root, "Fixtures/tokenizers/gpt2/tokenizer.json"))
    }

    /// Long words, which no cache keeps, and the same text twice, which one does.
    @Test func roundTrips() throws {
        let tokenizer = try Self.tokenizer.get()
        var random = RepeatableRandom(printingSeedFor: "round trips of a tokenizer")
        for _ in 0..<200 {
            var text = ""
            for _ in 0..<Int.random(in: 0..<300, using: &random) {
                let value = UInt32.random(in: 0..<(Bool.random(using: &random) ? 0x80 : 0x110000), using: &random)
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
            }
            let ids = tokenizer.encode(text, addSpecialTokens: true)
            #expect(tokenizer.decode(ids).unicodeScalars.elementsEqual(text.unicodeScalars))
            #expect(tokenizer.encode(text, addSpecialTokens: true) == ids)
        }
    }

    @Test func longWord() throws {
        let tokenizer = try Self.tokenizer.get()
        let text = String(repeating: "abcdefghij", count: 50_000)
        let ids = tokenizer.encode(text, addSpecialTokens: false)
        #expect(tokenizer.decode(ids) == text)
    }

    /// Threads that share a tokenizer do not disturb each other.
    @Test func concurrently() async throws {
        let tokenizer = try Self.tokenizer.get()
        let texts = (0..<64).map { "word \($0) and \($0 * 7919), it's what we've said" }
        let alone = texts.map { tokenizer.encode($0, addSpecialTokens: true) }
        await withTaskGroup(of: (Int, [Int32]).self) { group in
            for (index, text) in texts.enumerated() {
                group.addTask { (index, tokenizer.encode(text, addSpecialTokens: true)) }
            }
            for await (index, ids) in group { #expect(ids == alone[index]) }
        }
    }
}
