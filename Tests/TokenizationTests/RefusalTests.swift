import Diagnostics
import Files
import JSON
import Support
import Testing
import Tokenization

/// Files of tokenizers that are not understood, or are none at all.
@Suite struct RefusalTests {
    /// A tokenizer of the letters a and b, as a text to change.
    static let sound = """
        {"version":"1.0","added_tokens":[{"id":3,"content":"<e>","special":true,"normalized":false}],"normalizer":null,
        "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"post_processor":null,
        "decoder":{"type":"ByteLevel"},
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
        """

    static func tokenizer(_ text: String, _ folder: TemporaryFolder) throws -> Tokenizer {
        try folder.write(Array(text.utf8), to: "tokenizer.json")
        return try Tokenizer(path: folder.path)
    }

    @Test func soundOne() throws {
        let folder = try TemporaryFolder()
        let tokenizer = try Self.tokenizer(Self.sound, folder)
        #expect(tokenizer.encode("abba<e>zab", addSpecialTokens: true) == [2, 1, 0, 3, 2])
        #expect(tokenizer.decode([2, 3, 99, -1, 0]) == "ab<e>a")
        #expect(tokenizer.decode([2, 3, 0], skippingSpecialTokens: true) == "aba")
        #expect(tokenizer.vocabularySize == 4)
        #expect(tokenizer.token(for: 2) == "ab")
        #expect(tokenizer.token(for: 4) == nil)
        #expect(tokenizer.token(for: -1) == nil)
        #expect(tokenizer.id(of: "<e>") == 3)
        #expect(tokenizer.bos == nil && tokenizer.eos == nil)
    }

    /// What is put in place of what, the code, and what the message names.
    static let changes: [(String, String, Failure.Code, String)] = [
        (#""type":"BPE""#, #""type":"WordPiece""#, .tokenizerUnsupported, "WordPiece"),
        (#""type":"BPE""#, #""type":"BPE","byte_fallback":true"#, .tokenizerUnsupported, "byte_fallback"),
        (#""type":"BPE""#, #""type":"BPE","dropout":0.1"#, .tokenizerUnsupported, "dropout"),
        (#""type":"BPE""#, #""type":"BPE","end_of_word_suffix":"</w>""#, .tokenizerUnsupported, "end_of_word_suffix"),
        (#""vocab":{"a":0,"b":1,"ab":2}"#, #""type":"Unigram","vocab":[["a",-1.5]]"#, .jsonDuplicate, "type"),
        (#""normalizer":null"#, #""normalizer":{"type":"ByteLevel"}"#, .tokenizerUnsupported, "ByteLevel"),
        (#""normalizer":null"#, #""normalizer":[1]"#, .tokenizerInvalid, "normalizer"),
        (
            #""type":"ByteLevel","add_prefix_space""#, #""type":"UnicodeScripts","x""#, .tokenizerUnsupported,
            "UnicodeScripts"
        ),
        (#""type":"ByteLevel","add_prefix_space""#, #""x""#, .tokenizerUnsupported, "without a type"),
        (
            #"{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}"#,
            #"{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"x+y"},"behavior":"Isolated"}]}"#,
            .tokenizerUnsupported, "x+y"
        ),
        (
            #"{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}"#,
            #"{"type":"Metaspace","replacement":"ab"}"#, .tokenizerInvalid, "one character"
        ),
        (#""decoder":{"type":"ByteLevel"}"#, #""decoder":{"type":"CTC"}"#, .tokenizerUnsupported, "CTC"),
        (#""post_processor":null"#, #""post_processor":{"type":"X"}"#, .tokenizerUnsupported, "post-processor"),
        (
            #""post_processor":null"#,
            #""post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B"}}]}"#,
            .tokenizerUnsupported, "template"
        ),
        (
            #""post_processor":null"#,
            #""post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"q"}}]}"#,
            .tokenizerInvalid, "template"
        ),
        (
            #""post_processor":null"#, #""post_processor":{"type":"BertProcessing","sep":["a",77],"cls":["a",0]}"#,
            .tokenizerInvalid, "vocabulary"
        ),
        (#"["a b"]"#, #"["a c"]"#, .tokenizerInvalid, "merge"),
        (#"["a b"]"#, #"["b a"]"#, .tokenizerInvalid, "merge"),
        (#"["a b"]"#, #"["ab"]"#, .tokenizerInvalid, "two tokens"),
        (#"["a b"]"#, #"[["a","b","a"]]"#, .tokenizerInvalid, "two tokens"),
        (#"["a b"]"#, "[7]", .tokenizerInvalid, "kind"),
        (#""ab":2"#, #""ab":1"#, .tokenizerInvalid, "same id"),
        (#""ab":2"#, #""ab":4194304"#, .jsonNumber, "range"),
        (#""ab":2"#, #""ab":-1"#, .jsonNumber, "range"),
        (#""ab":2"#, #""ab":2,"a":3"#, .jsonDuplicate, "twice"),
        (#"{"id":3,"#, #"{"id":9,"#, .tokenizerInvalid, "another id"),
        (#"{"id":3,"#, #"{"id":-3,"#, .tokenizerInvalid, "added token"),
        (#""content":"<e>""#, #""content":"a""#, .tokenizerInvalid, "another id"),
        (#""model":"#, #""modell":"#, .tokenizerInvalid, "no model"),
        (#""vocab":"#, #""vocabulary":"#, .tokenizerInvalid, "no vocabulary"),
        (#"{"version""#, #"["version""#, .tokenizerInvalid, "kind"),
    ]

    @Test(arguments: changes.indices)
    func refused(_ index: Int) throws {
        let (part, other, code, name) = Self.changes[index]
        let text = try #require(Self.replacing(part, with: other))
        let folder = try TemporaryFolder()
        let failure = #expect(throws: Failure.self) { try Self.tokenizer(text, folder) }
        #expect(failure?.code == code, "\(other): \(failure.map(String.init(describing:)) ?? "")")
        #expect(failure?.description.contains(name) == true, "\(failure.map(String.init(describing:)) ?? "")")
        #expect(failure?.path?.hasSuffix("tokenizer.json") == true)
    }

    private static func replacing(_ part: String, with other: String) -> String? {
        guard let range = sound.firstRange(of: part) else { return nil }
        return sound.replacingCharacters(in: range, with: other)
    }

    /// Every cut and many changed bytes give a failure or a tokenizer that works, never a crash.
    @Test(arguments: [sound, ModelTests.pieces, ModelTests.scores, ModelTests.characters])
    func damaged(_ text: String) throws {
        let folder = try TemporaryFolder()
        let bytes = Array(text.utf8)
        for count in stride(from: 0, to: bytes.count, by: 3) {
            try folder.write(Array(bytes.prefix(count)), to: "tokenizer.json")
            #expect(throws: Failure.self) { try Tokenizer(path: folder.path) }
        }
        var random = RepeatableRandom(printingSeedFor: "damaged tokenizer")
        for _ in 0..<500 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                changed[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
            }
            try folder.write(changed, to: "tokenizer.json")
            let tokenizer = try? Tokenizer(path: folder.path)
            let text = "ab <e>b  Áa\u{301}\u{1F469}\u{200D}b\r\n"
            guard let encoding = tokenizer?.encoding(of: text, and: text, hasOffsets: true) else { continue }
            #expect(encoding.offsets.count == encoding.ids.count)
            #expect(encoding.offsets.allSatisfy { $0.upperBound <= text.unicodeScalars.count })
            _ = tokenizer?.decode(encoding.ids)
        }
    }

    @Test(arguments: [
        ("tokenizer.model", "SentencePiece"), ("merges.txt", "save it as"),
    ])
    func otherFiles(_ name: String, _ kind: String) throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: name)
        let failure = #expect(throws: Failure.self) { try Tokenizer(path: folder.path) }
        #expect(failure?.code == .tokenizerUnsupported)
        #expect(failure?.description.contains(kind) == true)
    }

    @Test func nothing() throws {
        let folder = try TemporaryFolder()
        #expect(throws: Failure.self) { try Tokenizer(path: folder.path) }
        #expect(throws: Failure.self) { try Tokenizer(path: folder("absent.json")) }
    }

    @Test(
        arguments: [
            (#"{"bos_token":"a","eos_token":{"content":"<e>"}}"#, "{}", 0, 3),
            (#"{"bos_token":null,"eos_token":"<e>"}"#, #"{"bos_token_id":1,"eos_token_id":1}"#, nil, 3),
            ("{}", #"{"bos_token_id":1,"eos_token_id":[3,1]}"#, 1, 3),
            (#"{"eos_token":"absent"}"#, #"{"bos_token_id":-1}"#, nil, nil),
        ] as [(String, String, Int32?, Int32?)])
    func textEnds(_ tokenizerConfig: String, _ config: String, _ bos: Int32?, _ eos: Int32?) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(tokenizerConfig.utf8), to: "tokenizer_config.json")
        try folder.write(Array(config.utf8), to: "config.json")
        let tokenizer = try Self.tokenizer(Self.sound, folder)
        #expect(tokenizer.bos == bos)
        #expect(tokenizer.eos == eos)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
