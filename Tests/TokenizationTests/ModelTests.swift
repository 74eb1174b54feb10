import Diagnostics
import Files
import Support
import Testing
import Tokenization

/// WordPiece and Unigram models, from small files.
@Suite struct ModelTests {
    static let pieces = """
        {"added_tokens":[],"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
        "post_processor":{"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},
        "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[UNK]","max_input_chars_per_word":5,
        "vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"ab":3,"##c":4,".":5}}}
        """

    static let scores = """
        {"normalizer":null,"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},
        "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},
        "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁",-2.0],["a",-2],["b",-2],["▁ab",-5],["ab",-4.5]]}}
        """

    static let characters = """
        {"added_tokens":[{"id":5,"content":"<e>","special":true,"single_word":true,"lstrip":true}],"normalizer":{"type":
        "Sequence","normalizers":[{"type":"NFKD"},{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":
        " "},"content":"▁"}]},"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},
        "content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
        "model":{"type":"BPE","unk_token":"?","fuse_unk":true,"byte_fallback":true,"vocab":{"?":0,"▁":1,"a":2,"b":3,
        "▁a":4},"merges":[["▁","a"]]}}
        """

    static func tokenizer(_ text: String, _ change: (String, String) = ("", "")) throws -> Tokenizer {
        let folder = try TemporaryFolder()
        let parts =
            change.0.isEmpty
            ? [text] : text.split(separator: change.0, omittingEmptySubsequences: false).map(String.init)
        if !change.0.isEmpty { #expect(parts.count > 1) }
        try folder.write(Array(parts.joined(separator: change.1).utf8), to: "tokenizer.json")
        return try Tokenizer(path: folder.path)
    }

    @Test func wordPieces() throws {
        let tokenizer = try Self.tokenizer(Self.pieces)
        #expect(tokenizer.encode("ABc abx. ábccccc", addSpecialTokens: true) == [1, 3, 4, 0, 5, 0, 2])
        #expect(tokenizer.decode([1, 3, 4, 5, 2], skippingSpecialTokens: true) == "[CLS] abc. [SEP]")
        let encoding = tokenizer.encoding(of: "ab", and: "Ábc .", hasOffsets: true)
        #expect(encoding.ids == [1, 3, 2, 3, 4, 5, 2])
        #expect(encoding.types == [0, 0, 0, 1, 1, 1, 1])
        #expect(encoding.offsets == [0..<0, 0..<2, 0..<0, 0..<2, 2..<3, 4..<5, 0..<0])
    }

    @Test func unigram() throws {
        let tokenizer = try Self.tokenizer(Self.scores)
        #expect(tokenizer.encode("ab abxyb", addSpecialTokens: true) == [4, 4, 0, 3])
        #expect(tokenizer.encoding(of: "abxy", hasOffsets: true).offsets == [0..<2, 2..<4])
        #expect(tokenizer.decode([4, 1, 2]) == "ab a")
        #expect(tokenizer.encode("", addSpecialTokens: true).isEmpty)
    }

    @Test func characterPairs() throws {
        let tokenizer = try Self.tokenizer(Self.characters)
        let encoding = tokenizer.encoding(of: "ab a ✓✓b", hasOffsets: true)
        #expect(encoding.ids == [4, 3, 4, 1, 0, 3])
        #expect(encoding.offsets == [0..<1, 1..<2, 2..<4, 4..<5, 5..<7, 7..<8])
        #expect(tokenizer.decode([4, 3, 4, 1, 2]) == "ab a a")
    }

    /// BERT's vocabulary without `tokenizer.json`, with capitals where the config says so.
    @Test(arguments: [("{}", [2, 4, 5, 6, 3]), (#"{"do_lower_case":false}"#, [2, 1, 6, 3])] as [(String, [Int32])])
    func vocabularyFile(_ config: String, _ ids: [Int32]) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\nab\n##c\n!\r\n[MASK]\n".utf8), to: "vocab.txt")
        try folder.write(Array(config.utf8), to: "tokenizer_config.json")
        let tokenizer = try Tokenizer(path: folder.path)
        #expect(tokenizer.encode("ABC!", addSpecialTokens: true) == ids)
        #expect(tokenizer.encode("[MASK]", addSpecialTokens: false) == [7])
        #expect(tokenizer.decode([2, 4, 5, 6], skippingSpecialTokens: true) == "abc!")
    }

    @Test(arguments: ["ab\n[UNK]\n[CLS]\n", "[UNK]\n[CLS]\n[SEP]\n\n\n", ""])
    func badVocabularyFile(_ text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(text.utf8), to: "vocab.txt")
        let failure = #expect(throws: Failure.self) { try Tokenizer(path: folder.path) }
        #expect(failure?.code == .tokenizerInvalid)
    }

    static let changes: [(String, String, String, Failure.Code, String)] = [
        (pieces, #""[UNK]":0,"#, "", .tokenizerInvalid, "[UNK]"),
        (scores, #""unk_id":0"#, #""unk_id":6"#, .tokenizerInvalid, "unk_id"),
        (scores, #""unk_id":0"#, #""unk_id":-1"#, .tokenizerInvalid, "unk_id"),
        (scores, #""unk_id":0"#, #""unk_id":null"#, .tokenizerInvalid, "unk_id"),
        (scores, #"["b",-2]"#, #"["a",-2]"#, .tokenizerInvalid, "twice"),
        (scores, #"["b",-2]"#, #"["b"]"#, .tokenizerInvalid, "score"),
        (scores, #"["b",-2]"#, #"["b","x"]"#, .tokenizerInvalid, "score"),
        (scores, #""type":"Unigram""#, #""type":"WordLevel""#, .tokenizerUnsupported, "WordLevel"),
        (scores, #""type":"Unigram""#, #""type":"BPE""#, .tokenizerInvalid, "no vocabulary"),
        (scores, #""type":"Metaspace","#, #""type":"Metaspace","prepend_scheme":"often","#, .jsonDuplicate, "twice"),
        (scores, #""always""#, #""often""#, .tokenizerUnsupported, "often"),
        (
            scores, #""normalizer":null"#, #""normalizer":{"type":"Precompiled","precompiled_charsmap":"AAA="}"#,
            .tokenizerInvalid, "precompiled"
        ),
        (
            scores, #""normalizer":null"#, #""normalizer":{"type":"Precompiled","precompiled_charsmap":"!"}"#,
            .tokenizerInvalid, "precompiled"
        ),
        (
            scores, #""normalizer":null"#,
            #""normalizer":{"type":"Replace","pattern":{"Regex":"a+"},"content":""}"#, .tokenizerUnsupported, "a+"
        ),
    ]

    @Test(arguments: changes.indices)
    func refused(_ index: Int) throws {
        let (text, part, other, code, name) = Self.changes[index]
        let failure = #expect(throws: Failure.self) { try Self.tokenizer(text, (part, other)) }
        #expect(failure?.code == code, "\(other): \(failure.map(String.init(describing:)) ?? "")")
        #expect(failure?.description.contains(name) == true, "\(failure.map(String.init(describing:)) ?? "")")
    }

    /// Tables whose places lead nowhere change nothing, and never crash.
    @Test func brokenTables() throws {
        var random = RepeatableRandom(printingSeedFor: "broken tables")
        for _ in 0..<200 {
            let count = UInt8.random(in: 1...8, using: &random)
            var bytes = [4 * count, 0, 0, 0] + random.bytes(4 * Int(count)) + Array("x\0yz\0".utf8)
            if Bool.random(using: &random) { bytes[5] = 1 }
            let normalizer = #""normalizer":{"type":"Precompiled","precompiled_charsmap":"\#(Self.base64(bytes))"}"#
            let tokenizer = try Self.tokenizer(Self.scores, (#""normalizer":null"#, normalizer))
            for text in ["ab\u{0}", "é\u{301}x", "\r\n👩‍👩‍👧", "\u{7F}~"] {
                let encoding = tokenizer.encoding(of: text, hasOffsets: true)
                #expect(encoding.offsets.allSatisfy { $0.upperBound <= text.unicodeScalars.count })
            }
        }
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
            let value = group[0] << 16 | group[1] << 8 | group[2]
            for place: UInt32 in 0..<4 {
                let isPadding = Int(place) > min(3, bytes.count - start)
                text.append(isPadding ? "=" : letters[Int(value >> (18 - 6 * place) & 63)])
            }
        }
        return text
    }
}
