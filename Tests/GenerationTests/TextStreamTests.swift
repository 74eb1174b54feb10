import Diagnostics
import Generation
import Support
import Testing
import Tokenization

@Suite("Text as it comes")
struct TextStreamTests {
    private static let texts = [
        "plain words, and more", "naïve café – «дуб», 栎 🌳👩‍👩‍👧", "  blanks\n\n\tand lines\n", "", "🌳🌳🌳",
    ]

    @Test("is the tokenizer's text, in whole characters", arguments: texts, ["llama", "gpt2"])
    func whole(text: String, base: String) throws {
        let tokenizer = try GenerationFixture.tokenizer(base)
        let prompt = tokenizer.encode("A prompt:", addSpecialTokens: true)
        let ids = tokenizer.encode(text, addSpecialTokens: false)
        var stream = TextStream(tokenizer, after: prompt, stops: [])
        var parts = ids.map { stream.append($0) }
        parts.append(stream.finish())
        #expect(parts.joined() == tokenizer.decode(ids))
        #expect(!parts.joined().unicodeScalars.contains("\u{FFFD}"))
    }

    @Test("nothing of a text to stop at is ever shown", arguments: ["llama", "gpt2"])
    func stops(base: String) throws {
        let tokenizer = try GenerationFixture.tokenizer(base)
        let text = "one two, aab aaab 🌳 done"
        let ids = tokenizer.encode(text, addSpecialTokens: false)
        for stop in ["aaab", "b a", "🌳", "two", "e", "done", " do", "ne t"] {
            var stream = TextStream(tokenizer, after: [], stops: ["zzz", stop])
            var shown = ""
            for id in ids where !stream.isStopped { shown += stream.append(id) }
            shown += stream.finish()
            let end = try #require(text.firstRange(of: stop)?.lowerBound)
            #expect(shown == String(text[..<end]) && stream.isStopped, "\(stop)")
        }
        // What only seemed to begin one comes in the end.
        var stream = TextStream(tokenizer, after: [], stops: ["done!"])
        #expect(ids.map { stream.append($0) }.joined() + stream.finish() == text && !stream.isStopped)
    }

    @Test("ids that are no characters end up as signs for that")
    func invalid() throws {
        let tokenizer = try GenerationFixture.tokenizer("gpt2")
        // The first byte of a tree, over and over.
        let id = try #require(tokenizer.encode("🌳", addSpecialTokens: false).first)
        var stream = TextStream(tokenizer, after: [], stops: [])
        let text = (0..<20).map { _ in stream.append(id) }.joined() + stream.finish()
        #expect(!text.isEmpty && text.unicodeScalars.allSatisfy { $0 == "\u{FFFD}" })
    }
}
