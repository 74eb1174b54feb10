import ChatTemplates
import Diagnostics
import Files
import JSON
import Layers
import Support
import Testing
import Tokenization
import Training

/// Prompts, instructions and conversations made to rows.
@Suite struct DataFormTests {
    private let tokenizer: Tokenizer
    private var options: DataOptions

    init() throws {
        let place = Paths.joined(HostileCase.root, "Fixtures/tokenizers/llama3")
        let folder = try TemporaryFolder()
        try folder.write(try contents(of: Paths.joined(place, "tokenizer.json")), to: "tokenizer.json")
        try folder.write(Array(#"{"eos_token":"<|endoftext|>"}"#.utf8), to: "tokenizer_config.json")
        tokenizer = try Tokenizer(path: folder.path)
        options = DataOptions(vocabularySize: tokenizer.vocabularySize, maximumLength: 1000, tokenizer: tokenizer)
    }

    private func options(
        masked: Bool = false, template: String? = nil, given: Bool = false
    ) throws -> DataOptions {
        var options = options
        options.form.masksPrompt = masked
        if let template {
            options.chat = ChatFormat(
                try #require(try ChatTemplate.builtIn(template)), specialTokens: [("eos_token", "<|endoftext|>")],
                writesPrompts: given)
        }
        return options
    }

    /// The text of a row, and that of what is learned of it.
    private func texts(_ line: String, _ options: DataOptions) throws -> (all: String, learned: String) {
        let row = try #require(try DataSetTests.read(line, options).rows.first)
        return (tokenizer.decode(row.inputs), tokenizer.decode(row.labels.filter { $0 != Batch.ignored }))
    }

    private static let pair = #"{"prompt":"Two and two: ","completion":"four."}"#
    private static let conversation =
        #"{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"},"#
        + #"{"role":"user","content":"So?"},{"role":"assistant","content":"Yes."}]}"#

    @Test func promptAndCompletion() throws {
        let plain = try texts(Self.pair, options())
        #expect(plain.all == "<|begin_of_text|>Two and two: four.<|endoftext|>" && plain.learned == plain.all)
        let masked = try texts(Self.pair, options(masked: true))
        #expect(masked.all == plain.all)
        // The blank may belong to the first token of the answer.
        #expect(["four.<|endoftext|>", " four.<|endoftext|>"].contains(masked.learned))
        let chat = try texts(Self.pair, options(masked: true, template: "chatml", given: true))
        #expect(
            chat.all == "<|im_start|>user\nTwo and two: <|im_end|>\n<|im_start|>assistant\nfour.<|im_end|>\n")
        #expect(chat.learned == "four.<|im_end|>\n")
        // A base's own template is for conversations alone.
        #expect(try texts(Self.pair, options(template: "chatml")).all == plain.all)
    }

    @Test func promptOfMessages() throws {
        let line =
            #"{"prompt":[{"role":"user","content":"a"}],"completion":[{"role":"assistant","content":"b"}]}"#
        let masked = try texts(line, options(masked: true, template: "chatml"))
        #expect(masked.all == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n")
        #expect(masked.learned == "b<|im_end|>\n")
    }

    @Test func instructions() throws {
        let line = #"{"instruction":"Add.","input":"1 2","output":"3"}"#
        let plain = try texts(line, options(masked: true))
        let prompt =
            "<|begin_of_text|>Below is an instruction that describes a task, paired with an input that provides further "
            + "context. Write a response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n"
            + "### Input:\n1 2\n\n### Response:\n"
        #expect(plain.all == prompt + "3<|endoftext|>" && plain.learned == "3<|endoftext|>")
        let without = try texts(#"{"instruction":"Add.","input":"","output":"3"}"#, options())
        #expect(without.all.contains("a task. Write") && !without.all.contains("Input"))
        let chat = try texts(line, options(masked: true, template: "alpaca", given: true))
        #expect(chat.all.contains("### Instruction:\nAdd.\n\n1 2\n\n### Response:\n3<|endoftext|>"))
        #expect(chat.learned == "3<|endoftext|>")
    }

    @Test func conversations() throws {
        let all = try texts(Self.conversation, options(template: "chatml"))
        #expect(all.all.hasPrefix("<|im_start|>user\nHi<|im_end|>\n") && all.learned == all.all)
        let masked = try texts(Self.conversation, options(masked: true, template: "chatml"))
        #expect(masked.all == all.all && masked.learned == "Yes.<|im_end|>\n")
    }

    @Test("conversations that close with no token at which texts end are told of; a line end may follow it")
    func turnEnds() throws {
        let eos = try #require(tokenizer.eos)
        let cases: [(template: String, ends: Set<Int32>?, codes: [String])] = [
            ("chatml", [eos], ["no-turn-end"]), ("chatml", [], ["no-turn-end"]), ("chatml", nil, []),
            ("llama2", [eos], []), ("alpaca", [eos], []),
        ]
        for one in cases {
            var options = try options(template: one.template, given: true)
            options.ends = one.ends
            let data = try DataSetTests.read(Self.conversation + "\n" + Self.pair + "\n" + #"{"text":"a"}"#, options)
            #expect(data.findings.map(\.code) == one.codes, "\(one)")
            #expect(data.findings.first?.message.hasSuffix(": 2") ?? true)
        }
    }

    /// A line, whether prompts are masked, and what is said of it.
    static let broken: [(String, Bool, String)] = [
        (#"{"messages":[{"role":"user","content":"a"}]}"#, true, "no assistant's"),
        (#"{"messages":[]}"#, false, "no messages"), (#"{"messages":["a"]}"#, false, "message 1 has no role"),
        (#"{"messages":[{"content":"a"}]}"#, false, "message 1 has no role"),
        (#"{"messages":[{"role":"user"}]}"#, false, "`content`"),
        (#"{"messages":{"role":"user"}}"#, false, "`messages`"), (#"{"text":"a"}"#, true, "text alone"),
        (#"{"input_ids":[1]}"#, true, "ids without labels"), (#"{"prompt":"a"}"#, false, "`prompt`"),
        (#"{"prompt":1,"completion":"a"}"#, false, "`completion`"),
        (#"{"instruction":"a","input":"b"}"#, false, "`instruction`"),
        ("{\"messages\":[{\"role\":\"user\",\"content\":\"\u{1}\"}]}", false, "control"),
    ]

    @Test(arguments: broken)
    func brokenLine(_ line: String, _ masked: Bool, _ reason: String) throws {
        let text = #"{"input_ids":[1,2],"labels":[1,2]}"# + "\n" + line
        let data = try DataSetTests.read(text, options(masked: masked, template: "chatml"))
        #expect(data.rows.count == 1 && data.skippedCount == 1)
        #expect(data.findings[0].message.contains(reason), "\(data.findings[0])")
        #expect(data.findings[0].message.contains("line 2"), "\(data.findings[0])")
    }

    @Test("a template refuses a conversation: the line is at fault; what is not known of it ends all")
    func refusals() throws {
        let one = #"{"messages":[{"role":"assistant","content":"a"}]}"#
        let refused = #expect(throws: Failure.self) { try DataSetTests.read(one, options(template: "mistral")) }
        #expect(refused?.code == .dataEmpty && refused?.cause?.contains("line 1") == true)
        var unknown = options
        unknown.chat = ChatFormat(try ChatTemplate("{{ 'a'.zfill(2) }}", name: "x"))
        #expect(throws: Failure.self) { try DataSetTests.read(one, unknown) }
        unknown.chat = nil
        unknown.chatFailure = Failure(.templateUnsupported, "a filter", object: "line 7")
        let failure = #expect(throws: Failure.self) { try DataSetTests.read(one, unknown) }
        #expect(failure?.code == .templateUnsupported && failure?.object == "line 7")
        #expect(try DataSetTests.read(#"{"text":"a"}"#, unknown).rows.count == 1)
        let none = #expect(throws: Failure.self) { try DataSetTests.read(one, options()) }
        #expect(none?.hints.first?.contains("--chat-template") == true)
    }

    @Test("rows that are cut to their prompt are counted")
    func promptOnly() throws {
        var short = try options(masked: true)
        short.maximumLength = 3
        let data = try DataSetTests.read(Self.pair + "\n" + #"{"input_ids":[1,2],"labels":[1,2]}"#, short)
        #expect(data.rows.count == 2 && data.truncatedCount == 1)
        #expect(data.findings.map(\.code) == ["truncated-rows", "unlabeled-rows"])
    }

    @Test("the form of data is kept in a record, and a template in a file with its text")
    func records() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("{{ messages[0].content }}".utf8), to: "t.jinja")
        #expect(try DataForm(masksPrompt: true, templateAt: path).chatTemplate == "{{ messages[0].content }}")
        #expect(try DataForm(masksPrompt: false, templateAt: "llama3").chatTemplate == "llama3")
        #expect(try DataForm(masksPrompt: false, templateAt: nil) == DataForm())
        let stray = #expect(throws: Failure.self) { try DataForm(masksPrompt: false, templateAt: folder("none")) }
        #expect(stray?.code == .usage && stray?.hints.first?.contains("chatml") == true)
        try folder.write([0xFF], to: "t.jinja")
        let binary = #expect(throws: Failure.self) { try DataForm(masksPrompt: false, templateAt: path) }
        #expect(binary?.code == .templateInvalid)
    }
}
