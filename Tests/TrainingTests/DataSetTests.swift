import Diagnostics
import Digests
import Files
import Support
import Testing
import Tokenization
import Training

/// Lines of JSON made to rows.
@Suite struct DataSetTests {
    static func read(_ text: String, _ options: DataOptions = ids) throws -> DataSet {
        let folder = try TemporaryFolder()
        return try DataSet(path: try folder.write(Array(text.utf8), to: "train.jsonl"), options: options)
    }

    static let ids = DataOptions(vocabularySize: 100, maximumLength: 8)

    @Test func rowsOfIDs() throws {
        let data = try Self.read(
            """
            {"input_ids":[1,2,3]}

            {"labels":[-100, 5 ,6],"input_ids":[4,5,6],"attention_mask":[1,1,1],"other":{"a":[null]}}\r
            \t
            {"input_ids":[99],"labels":[-100]}
            """)
        #expect(
            data.rows == [
                Row(inputs: [1, 2, 3], labels: [1, 2, 3], line: 1),
                Row(inputs: [4, 5, 6], labels: [-100, 5, 6], line: 3),
                Row(inputs: [99], labels: [-100], line: 5),
            ])
        #expect(data.labeledTokenCount == 4)
        #expect(data.skippedCount == 0 && data.truncatedCount == 0 && data.findings.isEmpty)
    }

    /// A mark before the first line, null for what is absent, and no line end at the end.
    @Test func lenience() throws {
        let rows = #"{"text":null,"labels":null,"input_ids":[1]}"# + "\n\n" + #"{"input_ids":[2]}"#
        let folder = try TemporaryFolder()
        for text in [rows, rows + "\n", "\n" + rows] {
            let bytes: [UInt8] = [0xEF, 0xBB, 0xBF] + Array(text.utf8)
            let data = try DataSet(path: try folder.write(bytes, to: "x.jsonl"), options: Self.ids)
            let first = text.hasPrefix("\n") ? 2 : 1
            #expect(data.rows.map(\.line) == [first, first + 2])
            #expect(data.rows.map(\.inputs) == [[1], [2]])
        }
        let failure = #expect(throws: Failure.self) {
            try DataSet(path: try folder.write([0xEF, 0xBB, 0xBF], to: "x.jsonl"), options: Self.ids)
        }
        #expect(failure?.code == .dataEmpty)
    }

    @Test func truncates() throws {
        let data = try Self.read(#"{"input_ids":[1,2,3,4,5,6,7,8,9,10]}"# + "\n" + #"{"input_ids":[1,2,3,4,5,6,7,8]}"#)
        #expect(data.rows.map(\.inputs) == [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]])
        #expect(data.truncatedCount == 1)
        #expect(data.findings.map(\.code) == ["truncated-rows"])
    }

    /// A line, and what is said of it.
    static let broken = [
        (#"{"input_ids":[1,2"#, "JSON"), ("nonsense", "kind"), (#"[1,2]"#, "kind"), (#"{"input_ids":[1]} x"#, "JSON"),
        (#"{"input_ids":[100]}"#, "0 to 99"), (#"{"input_ids":[-1]}"#, "0 to 99"),
        (#"{"input_ids":[-100]}"#, "0 to 99"),
        (#"{"input_ids":[1.0]}"#, "integer"), (#"{"input_ids":"1"}"#, "kind"), (#"{"input_ids":[]}"#, "no tokens"),
        (#"{"input_ids":[9999999999999999999]}"#, "range"), (#"{"input_ids":[1],"labels":[1,2]}"#, "labels"),
        (#"{"input_ids":[1],"labels":[-1]}"#, "-100"), (#"{"prompt":"a","label":"b"}"#, "`prompt`"),
        ("{}", "no keys"), (#"{"text":"a"}"#, "no tokenizer"), (#"{"input_ids":[1],"input_ids":[1]}"#, "twice"),
        (#"{"text":7}"#, "kind"), (#"{"input_ids":[1],"labels":1}"#, "array"), (#"{"input_ids":null}"#, "no keys"),
        ("{\"input_ids\":[1],\"a\":\"\u{1}\"}", "control"),
    ]

    @Test(arguments: broken)
    func brokenLine(_ line: String, _ reason: String) throws {
        let text = #"{"input_ids":[1]}"# + "\n" + line + "\n" + #"{"input_ids":[2]}"# + "\n"
        let data = try Self.read(text)
        #expect(data.rows.map(\.line) == [1, 3])
        #expect(data.skippedCount == 1)
        #expect(data.findings.count == 2)
        #expect(data.findings[0].code == "bad-data-line")
        #expect(data.findings[0].message.contains("line 2"), "\(data.findings[0])")
        #expect(data.findings[0].message.contains(reason), "\(data.findings[0])")

        var strict = Self.ids
        strict.isStrict = true
        let failure = #expect(throws: Failure.self) { try Self.read(text, strict) }
        #expect(failure?.code == .badDataLine)
        #expect(failure?.object == "line 2")
        #expect(failure?.path?.hasSuffix("train.jsonl") == true)
    }

    @Test func notUTF8() throws {
        let folder = try TemporaryFolder()
        let bytes = Array(#"{"input_ids":[1],"a":""#.utf8) + [0xFF] + Array("\"}\n{\"input_ids\":[2]}".utf8)
        let data = try DataSet(path: try folder.write(bytes, to: "x.jsonl"), options: Self.ids)
        #expect(data.rows.map(\.line) == [2])
        #expect(data.findings[0].message.contains("UTF-8"))
    }

    @Test func manyBrokenLines() throws {
        let text = String(repeating: "{}\n", count: 1000) + #"{"input_ids":[1]}"#
        let data = try Self.read(text)
        #expect(data.rows == [Row(inputs: [1], labels: [1], line: 1001)])
        #expect(data.skippedCount == 1000)
        #expect(data.findings.count == 11)
        #expect(data.findings.last?.message.contains("1000") == true)
    }

    @Test(arguments: ["", "\n\n \n", "{}\n", #"{"text":"a"}"#])
    func empty(_ text: String) throws {
        let failure = #expect(throws: Failure.self) { try Self.read(text) }
        #expect(failure?.code == .dataEmpty)
    }

    @Test func longLine() throws {
        var options = Self.ids
        options.lineByteLimit = 40
        let long = #"{"input_ids":[1],"other":""# + String(repeating: "x", count: 3 << 20) + #""}"#
        let text = [#"{"input_ids":[1]}"#, long, #"{"input_ids":[3]}"#, long].joined(separator: "\n")
        let data = try Self.read(text, options)
        #expect(data.rows.map(\.line) == [1, 3])
        #expect(data.skippedCount == 2)
        #expect(data.findings[0].message.contains("too long"))
    }

    /// Lines that lie across the blocks in which a file is read, of a mebibyte.
    @Test(arguments: ["\n", "\r\n"])
    func manyLines(_ end: String) throws {
        let filling = String(repeating: "-", count: 700)
        let lines = (0..<1600).map { #"{"input_ids":[\#($0 % 100)],"n":"\#($0)\#(filling)"}"# }
        let text = lines.joined(separator: end)
        #expect(text.utf8.count > 1 << 20)
        let data = try Self.read(text)
        #expect(data.rows.count == lines.count)
        #expect(data.rows.enumerated().allSatisfy { $1.line == $0 + 1 && Int($1.inputs[0]) == $0 % 100 })
    }

    @Test func text() throws {
        let place = Paths.joined(HostileCase.root, "Fixtures/tokenizers/llama3")
        let folder = try TemporaryFolder()
        try folder.write(try contents(of: Paths.joined(place, "tokenizer.json")), to: "tokenizer.json")
        try folder.write(Array(#"{"eos_token":"<|endoftext|>"}"#.utf8), to: "tokenizer_config.json")
        let tokenizer = try Tokenizer(path: folder.path)
        let options = DataOptions(
            vocabularySize: tokenizer.vocabularySize, maximumLength: 1000, tokenizer: tokenizer)
        let bos = try #require(tokenizer.id(of: "<|begin_of_text|>"))
        let eos = try #require(tokenizer.eos)
        let data = try Self.read(
            #"{"text":"It's a tenon.\n"}"# + "\n" + #"{"input_ids":[7]}"# + "\n" + #"{"text":"ends<|endoftext|>"}"#,
            options)
        #expect(data.rows[0].inputs == [bos] + tokenizer.encode("It's a tenon.\n", addSpecialTokens: false) + [eos])
        #expect(data.rows[0].labels == data.rows[0].inputs)
        #expect(data.rows[1].inputs == [7])
        #expect(data.rows[2].inputs.count { $0 == eos } == 1)

        #expect(data.findings.isEmpty)

        let endless = DataOptions(
            vocabularySize: tokenizer.vocabularySize, maximumLength: 1000, tokenizer: try Tokenizer(path: place))
        let without = try Self.read(#"{"text":"a","label":1,"labels":1}"# + "\n" + #"{"input_ids":[1]}"#, endless)
        #expect(without.rows[0].inputs == [bos] + tokenizer.encode("a", addSpecialTokens: false))
        #expect(without.findings.map(\.code) == ["no-end-token", "ignored-labels"])

        var narrow = options
        narrow.vocabularySize = Int(eos)
        #expect(throws: Failure.self) { try Self.read(#"{"text":"a"}"#, narrow) }
    }

    @Test func folders() throws {
        let folder = try TemporaryFolder()
        #expect(throws: Failure.self) { try DataFolder(path: folder.path) }
        #expect(throws: Failure.self) { try DataFolder(path: folder("absent")) }
        try folder.write([], to: "train.jsonl")
        #expect(try DataFolder(path: folder.path).validation == nil)
        #expect(throws: Failure.self) { try DataFolder.evaluationFile(at: folder.path) }
        try folder.write([], to: "valid.jsonl")
        let data = try DataFolder(path: folder.path)
        #expect(data.train == folder("train.jsonl"))
        #expect(data.validation == folder("valid.jsonl"))
        #expect(try DataFolder.evaluationFile(at: folder.path) == folder("valid.jsonl"))
        try folder.write([], to: "test.jsonl")
        #expect(try DataFolder.evaluationFile(at: folder.path) == folder("test.jsonl"))
        #expect(try DataFolder.evaluationFile(at: folder("train.jsonl")) == folder("train.jsonl"))
        #expect(try DataFolder(path: folder("valid.jsonl")).train == folder("valid.jsonl"))
    }

    /// Against Python: sha256(b"tenon/data/1\0" + struct.pack("<QI3i3iI1i1i", 2, 3, 1, 2, 3, -100, 2, 3, 1, 9, 9)).
    @Test func digest() throws {
        let rows = [
            Row(inputs: [1, 2, 3], labels: [-100, 2, 3], line: 4), Row(inputs: [9], labels: [9], line: 9),
        ]
        #expect(DataDigest.of(rows).description == "729560d1b1eabc919d547a48b02bbdd47dec77504ed9f6c7827d8f7c05dd1838")
        #expect(DataDigest.of(rows.reversed()) != DataDigest.of(rows))
        let text = #"{"input_ids":[1,2,3],"labels":[-100,2,3]}"# + "\n" + #"{"a":1,"input_ids":[9]}"#
        #expect(try Self.read(text).digest == DataDigest.of(rows))
    }
}
