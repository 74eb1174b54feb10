import Architectures
import Diagnostics
import Files
import JSON
import Layers
import Support
import Testing
import Tokenization
import Training

/// Rows of labeled texts, and of tables.
@Suite struct LabeledRowsTests {
    private let folder: TemporaryFolder
    private let tokenizer: Tokenizer

    init() throws {
        folder = try TemporaryFolder()
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "ten", "##on", "fits", "one", "."]
        try folder.write(Array(words.joined(separator: "\n").utf8), to: "vocab.txt")
        tokenizer = try Tokenizer(path: folder.path)
    }

    private func options(_ task: ModelTask, length: Int = 100) -> DataOptions {
        var options = DataOptions(vocabularySize: 11, maximumLength: length, tokenizer: tokenizer)
        options.task = task
        options.typeCount = 2
        options.classes = LabelMap(["bad", "good"])
        return options
    }

    private func read(_ text: String, as name: String, _ options: DataOptions) throws -> DataSet {
        try DataSet(path: folder.write(Array(text.utf8), to: name), options: options)
    }

    @Test("a text, and a pair, with the tokens around them that the model wants")
    func texts() throws {
        let set = try read(
            "sentence1,sentence2,label\na tenon,fits .,good\n", as: "x.csv", options(.classification))
        #expect(set.rows[0].inputs == [2, 5, 6, 7, 3, 8, 10, 3])
        #expect(set.rows[0].types == [0, 0, 0, 0, 0, 1, 1, 1] && set.rows[0].question == .whole(1))
        #expect(set.rows[0].labels.allSatisfy { $0 == Batch.ignored })
        let alone = try read("a tenon\tbad\n", as: "x.tsv", options(.classification))
        #expect(alone.rows[0].inputs == [2, 5, 6, 7, 3] && alone.rows[0].types.isEmpty)
        #expect(alone.rows[0].question == .whole(0) && alone.findings.map(\.code) == ["no-header"])
        let value = try read("{\"text\":\"a\",\"score\":2.5}", as: "x.jsonl", options(.regression))
        #expect(value.rows[0].question == .whole(2.5) && value.rows[0].inputs == [2, 5, 3])
    }

    /// A text, its second, how long a row may be, and what is left.
    static let long: [(String, String?, Int, [Int32])] = [
        ("a tenon fits one", nil, 5, [2, 5, 6, 7, 3]), ("a tenon", nil, 5, [2, 5, 6, 7, 3]),
        ("a", "ten one fits one", 6, [2, 5, 3, 6, 9, 3]), ("a ten one fits", "one", 6, [2, 5, 6, 3, 9, 3]),
        ("a ten one", "fits one .", 6, [2, 5, 3, 8, 9, 3]), ("a ten one", "fits one .", 7, [2, 5, 6, 3, 8, 9, 3]),
        ("a", "one", 2, [2, 3, 3]), ("a", nil, 1, [2, 3]),
    ]

    @Test("what is too long loses its end, of a pair the longer text first", arguments: long)
    func truncation(_ text: String, _ second: String?, _ length: Int, _ ids: [Int32]) throws {
        let encoding = tokenizer.encoding(of: text, and: second, hasOffsets: true, maximumLength: length)
        #expect(encoding.ids == ids && encoding.isTruncated == (text != "a tenon"))
        #expect(encoding.types.count == ids.count && encoding.offsets.count == ids.count)
    }

    @Test("rows that lost tokens are counted")
    func truncated() throws {
        let set = try read("text,label\na tenon fits,good\na,bad\n", as: "x.csv", options(.classification, length: 4))
        #expect(set.truncatedCount == 1 && set.rows[0].inputs == [2, 5, 6, 3])
        #expect(set.findings.map(\.code) == ["truncated-rows"])
    }

    @Test("skipped lines of both readings are counted together")
    func skipped() throws {
        let text =
            "{\"text\":\"a\",\"label\":\"good\"}\n{\"text\":\"a\"}\n{\"input_ids\":[5],\"token_type_ids\":[0,1],\"label\":\"bad\"}\n"
        let set = try read(text, as: "x.jsonl", options(.classification))
        #expect(set.rows.count == 1 && set.skippedCount == 2 && set.findings.count == 3)
        let stray = #expect(throws: Failure.self) {
            try read("text,label\na,fair\n", as: "x.csv", options(.classification))
        }
        #expect(stray?.code == .badDataLine && stray?.object == "line 2" && stray?.actual == "fair")
    }

    @Test("tables of texts, and of prompts and completions")
    func tables() throws {
        var options = options(.causal)
        options.form.masksPrompt = true
        let set = try read("id,prompt,completion\n1,\"a \",one\n2,x\n", as: "x.csv", options)
        #expect(set.rows[0].inputs == [2, 5, 9, 3] && set.skippedCount == 1)
        #expect(set.rows[0].labels == [Batch.ignored, Batch.ignored, 9, 3])
        options.form.masksPrompt = false
        let alone = try read("a one\n", as: "x.tsv", options)
        #expect(alone.rows[0].inputs == [2, 5, 9, 3] && alone.findings.first?.code == "no-header")
        let failure = #expect(throws: Failure.self) { try read("a,1\n", as: "x.csv", options) }
        #expect(failure?.code == .badDataLine && failure?.what.contains("no header") == true)
        let labeled = try read("text,label\na,1\n", as: "x.csv", options)
        #expect(labeled.findings.map(\.code).contains("ignored-labels"))
    }

    @Test("a folder's files, whatever form each has")
    func folders() throws {
        let place = try TemporaryFolder()
        try place.write([], to: "train.tsv")
        try place.write([], to: "dev.csv")
        let data = try DataFolder(path: place.path)
        #expect(data.train == place("train.tsv") && data.validation == place("dev.csv"))
        #expect(try DataFolder.evaluationFile(at: place.path) == place("dev.csv"))
        try place.write([], to: "valid.jsonl")
        let failure = #expect(throws: Failure.self) { try DataFolder(path: place.path) }
        #expect(failure?.code == .usage && failure?.actual == "valid.jsonl, dev.csv")
    }

    @Test("parts that the model has not are refused")
    func parts() throws {
        func part(_ id: String, _ type: Int) -> JSONValue {
            ["Sequence": ["id": .string(id), "type_id": JSONValue(type)]]
        }
        let file: JSONValue = [
            "added_tokens": [], "normalizer": nil, "pre_tokenizer": ["type": "BertPreTokenizer"], "decoder": nil,
            "post_processor": [
                "type": "TemplateProcessing", "single": [part("A", 7)], "pair": [part("A", 0), part("B", 7)],
                "special_tokens": [:],
            ],
            "model": [
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": ["[UNK]": 0, "a": 1],
            ],
        ]
        try folder.write(JSONWriter.bytes(of: file, .compact), to: "tokenizer.json")
        var options = options(.classification)
        options.tokenizer = try Tokenizer(path: folder.path)
        let failure = #expect(throws: Failure.self) { try read("text,label\na,good\na,bad\n", as: "x.csv", options) }
        #expect(failure?.code == .dataEmpty && failure?.description.contains("part") == true)
    }

    @Test("texts are masked where nothing says what is asked")
    func masked() throws {
        var options = options(.masked, length: 6)
        options.masking = Masking(specials: [2, 3], mask: 4, vocabularySize: 11, seed: 0)
        let set = try read("text\na tenon fits one .\na\n", as: "x.csv", options)
        #expect(set.truncatedCount == 1 && set.rows.map(\.inputs.count) == [6, 3])
        let whole: [[Int32]] = [[2, 5, 6, 7, 8, 3], [2, 5, 3]]
        for (row, whole) in zip(set.rows, whole) {
            #expect(row.question == .own && row.labeledTokenCount == 1)
            for place in whole.indices {
                #expect(row.labels[place] == (row.labels[place] == Batch.ignored ? Batch.ignored : whole[place]))
                #expect(row.inputs[place] == whole[place] || row.labels[place] == whole[place])
            }
        }
        #expect(try read("text\na tenon fits one .\na\n", as: "y.csv", options).digest == set.digest)
        options.masking = nil
        let failure = #expect(throws: Failure.self) { try read("{\"text\":\"a\"}", as: "x.jsonl", options) }
        #expect(failure?.code == .dataEmpty)
    }
}
