import Diagnostics
import Files
import JSON
import Support
import Testing
import Tokenization

/// What the `tokenizers` package makes of texts; `Scripts/make-tokenizer-goldens` writes it.
@Suite struct GoldenTests {
    static let folder =
        Syscalls.environment("TENON_TOKENIZERS") ?? Paths.joined(HostileCase.root, "Fixtures/tokenizers")

    static let families = [
        "gpt2", "roberta", "llama3", "qwen2", "smollm", "gpt4", "gpt4o", "deepseek", "falcon", "bert", "bert_cased",
        "llama2", "mistral",
        "gemma",
        "t5", "deberta", "albert", "nmt", "words",
    ]

    @Test(arguments: families)
    func sameTokens(_ family: String) throws {
        let place = Paths.joined(Self.folder, family)
        let tokenizer = try Tokenizer(path: place)
        let expected = try JSONValue.parse(
            try contents(of: Paths.joined(place, "expected.json")), limit: 1 << 30)
        #expect(tokenizer.vocabularySize == expected["vocabularySize"]?.int)
        let cases = try #require(expected["cases"]?.array)
        #expect(cases.count > 50)
        var differences = 0
        for record in cases {
            let text = try #require(record["text"]?.string)
            let ids = try #require(Self.ids(record["ids"]))
            let offsets = try #require(Self.ids(record["offsets"]))
            let encoding = tokenizer.encoding(of: text, hasOffsets: true)
            let plain = Self.ids(record["plain"]) ?? ids
            let decoded = record["decoded"]?.string ?? text
            let skipping = record["skipping"]?.string ?? decoded
            let isSame =
                tokenizer.encode(text, addSpecialTokens: true) == ids && encoding.ids == ids
                && encoding.offsets.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] } == offsets
                && tokenizer.encode(text, addSpecialTokens: false) == plain
                && tokenizer.decode(ids).equalsInBytes(decoded)
                && tokenizer.decode(ids, skippingSpecialTokens: true).equalsInBytes(skipping)
            if isSame { continue }
            differences += 1
            if differences <= 5 {
                Issue.record(
                    "\(family): \(text.debugDescription), \(tokenizer.encode(text, addSpecialTokens: true)) for \(ids)")
            }
        }
        #expect(differences == 0, "of \(cases.count) texts")
    }

    private static func ids(_ json: JSONValue?) -> [Int32]? {
        json?.array?.compactMap { $0.int.map(Int32.init) }
    }
}
