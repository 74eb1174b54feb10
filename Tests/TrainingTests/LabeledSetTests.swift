import Diagnostics
import Files
import JSON
import Support
import Testing
import Training

/// Labeled texts, in lines of JSON and in tables.
@Suite struct LabeledSetTests {
    static func read(
        _ text: String, as name: String, _ change: (inout LabeledSet.Options) -> Void = { _ in }
    ) throws -> LabeledSet {
        let folder = try TemporaryFolder()
        var options = LabeledSet.Options(vocabularySize: 100)
        change(&options)
        return try LabeledSet(path: try folder.write(Array(text.utf8), to: name), options: options)
    }

    private static func one(_ text: String, second: String?, _ label: String, line: Int) -> LabeledExample {
        LabeledExample(.text(text, second: second), label: label, line: line)
    }

    @Test func lines() throws {
        let set = try Self.read(
            """
            {"text":"good","label":1}
            {"premise":"a","hypothesis":"b","label":"entails","idx":7}

            {"input_ids":[1,2],"label":0}
            {"sentence1":"x","sentence2":"y","score":2.5,"other":{"a":[]}}
            {"question":"q","sentence":"s","label":true}
            """, as: "x.jsonl")
        #expect(
            set.examples == [
                Self.one("good", second: nil, "1", line: 1), Self.one("a", second: "b", "entails", line: 2),
                LabeledExample(.ids([1, 2]), label: "0", line: 4), Self.one("x", second: "y", "2.5", line: 5),
                Self.one("q", second: "s", "1", line: 6),
            ])
        #expect(set.skippedCount == 0 && set.findings.isEmpty)
    }

    @Test func tables() throws {
        let header = try Self.read(
            "id,sentence1,sentence2,label\r\n1,\"a, \"\"b\"\"\",\"two\nlines\",yes\r\n\r\n2,,é,no\r\n", as: "x.csv")
        #expect(
            header.examples == [
                Self.one("a, \"b\"", second: "two\nlines", "yes", line: 2), Self.one("", second: "é", "no", line: 5),
            ])
        #expect(header.findings.isEmpty)
        // Quotes are characters like others between tabs.
        let tabs = try Self.read("sentence\tlabel\n\"quoted\" at once\t1\nan \"open\t0", as: "x.tsv")
        #expect(
            tabs.examples == [
                Self.one("\"quoted\" at once", second: nil, "1", line: 2),
                Self.one("an \"open", second: nil, "0", line: 3),
            ])
    }

    @Test("a table without a header is read by places, and told of")
    func noHeader() throws {
        let two = try Self.read("a fine film\t1\na dull one\t0\n", as: "x.tsv")
        #expect(
            two.examples == [
                Self.one("a fine film", second: nil, "1", line: 1), Self.one("a dull one", second: nil, "0", line: 2),
            ])
        #expect(two.findings.map(\.code) == ["no-header"] && two.findings[0].message.contains("text, label"))
        #expect(try Self.read("a,b,c\n", as: "x.csv").examples == [Self.one("a", second: "b", "c", line: 1)])
        let four = #expect(throws: Failure.self) { try Self.read("a,b,c,d\n1,2,3,4", as: "x.csv") }
        #expect(four?.code == .badDataLine && four?.what.contains("no header") == true && four?.object == "line 1")
    }

    @Test func columns() throws {
        let text = "headline,body,mood\nh,b,glad\n"
        let set = try Self.read(text, as: "x.csv") {
            $0.textColumns = ["headline", "body"]
            $0.labelColumn = "mood"
        }
        #expect(set.examples == [Self.one("h", second: "b", "glad", line: 2)])
        let wrong: [(String, String, [String], String)] = [
            (text, "x.csv", ["headline", "no"], "no"), ("sentence1,label\na,1", "x.csv", [], "sentence2"),
            ("text,idx\na,1", "x.csv", [], "label"), ("a,b\n1,2", "x.csv", ["text"], "no header"),
        ]
        for (text, name, columns, reason) in wrong {
            let failure = #expect(throws: Failure.self) {
                try Self.read(text, as: name) { $0.textColumns = columns }
            }
            #expect(failure?.code == .badDataLine && failure?.object == "line 1")
            #expect(failure?.description.contains(reason) == true, "\(String(describing: failure))")
        }
    }

    /// A line beside a good one, and what is said of it.
    static let broken = [
        ("x.csv", "a,b\n", "values"), ("x.csv", "\"a\"b,1,1\n", "follows"), ("x.csv", "a\"b,1,1\n", "within"),
        ("x.csv", "a,b,\n", "empty"), ("x.jsonl", "{\"text\":\"a\"}", "label"),
        ("x.jsonl", "{\"text\":7,\"label\":1}", "`text`"), ("x.jsonl", "{\"text\":\"a\",\"label\":[1]}", "label"),
        ("x.jsonl", "{\"sentence1\":\"a\",\"label\":1}", "sentence2"), ("x.jsonl", "[1]", "object"),
        ("x.jsonl", "{\"input_ids\":[100],\"label\":1}", "0 to 99"), ("x.jsonl", "{\"label\":1}", "text"),
        ("x.jsonl", "{\"input_ids\":[],\"label\":1}", "`input_ids`"), ("x.jsonl", "{", "JSON"),
        ("x.jsonl", "{\"text\":\"a\",\"label\":null}", "label"),
    ]

    @Test(arguments: broken)
    func brokenLine(_ name: String, _ line: String, _ reason: String) throws {
        let good = name == "x.csv" ? "sentence1,sentence2,label\na,b,1\n" : "{\"text\":\"a\",\"label\":1}\n"
        let set = try Self.read(good + line, as: name)
        #expect(set.examples.count == 1 && set.skippedCount == 1)
        #expect(set.findings[0].message.contains(reason), "\(set.findings[0])")
        let failure = #expect(throws: Failure.self) { try Self.read(good + line, as: name) { $0.isStrict = true } }
        #expect(failure?.code == .badDataLine && failure?.object == (name == "x.csv" ? "line 3" : "line 2"))
    }

    @Test("a value that does not end takes all behind it, so nothing is read")
    func openQuote() throws {
        let failure = #expect(throws: Failure.self) {
            try Self.read("text,label\na,1\n\"b,2\nc,3\n", as: "x.csv")
        }
        #expect(
            failure?.code == .badDataLine && failure?.object == "line 3" && failure?.path?.hasSuffix("x.csv") == true)
    }

    @Test("numbers that are written otherwise are one class")
    func spellings() throws {
        let set = try Self.read("text,label\na,1\nb,1.0\nc,0.00\nd,-0.0\n", as: "x.csv")
        #expect(set.examples.map(\.label) == ["1", "1", "0", "-0.0"])
        let lines = try Self.read("{\"text\":\"a\",\"label\":1.0}\n{\"text\":\"b\",\"label\":1.5}", as: "x.jsonl")
        #expect(lines.examples.map(\.label) == ["1", "1.5"])
    }

    @Test func notUTF8() throws {
        let folder = try TemporaryFolder()
        let bytes = Array("text,label\n".utf8) + [0xFF] + Array(",1\nb,2\n".utf8)
        let set = try LabeledSet(
            path: try folder.write(bytes, to: "x.csv"), options: LabeledSet.Options(vocabularySize: 9))
        #expect(set.examples.map(\.line) == [3] && set.findings[0].message.contains("UTF-8"))
    }

    @Test(arguments: ["", "\n\n", "text,label\n"])
    func empty(_ text: String) throws {
        let failure = #expect(throws: Failure.self) { try Self.read(text, as: "x.csv") }
        #expect(failure?.code == .dataEmpty)
    }

    @Test func longRecords() throws {
        let long = "\"" + String(repeating: "x\n", count: 100) + "\",1\nb,2\n"
        let set = try Self.read("text,label\na,1\n" + long, as: "x.csv") { $0.lineByteLimit = 50 }
        #expect(set.examples.first == Self.one("a", second: nil, "1", line: 2) && set.skippedCount > 0)
        #expect(set.examples.last == Self.one("b", second: nil, "2", line: 104))
    }

    @Test func classes() throws {
        let set = try Self.read("text,label\na,10\nb,9\nc,10\n", as: "x.csv")
        let map = try #require(LabelMap(of: set.examples))
        #expect(map.names == ["9", "10"])
        #expect(try set.classes(map) == [1, 0, 1])
        #expect(try set.numbers() == [10, 9, 10])
        let words = try Self.read("text,label\na,no\nb,yes\nc,10\n", as: "x.csv")
        #expect(LabelMap(of: words.examples)?.names == ["10", "no", "yes"])
        let stray = #expect(throws: Failure.self) { try words.classes(map) }
        #expect(stray?.code == .badDataLine && stray?.object == "line 2")
        #expect(stray?.expected == "9, 10" && stray?.actual == "no")
        #expect(throws: Failure.self) { try words.numbers() }
        #expect(LabelMap(map.document) == map)
        let config: JSONValue = ["1": "POSITIVE", "0": "NEGATIVE"]
        #expect(LabelMap(config)?.names == ["NEGATIVE", "POSITIVE"])
        #expect(LabelMap(["a", "a"] as [String]) == nil && LabelMap(["1": "a"] as JSONValue) == nil)
        // By their numbers too, where that cannot be meant otherwise.
        #expect(LabelMap(config)?.number(of: "1") == 1 && LabelMap(config)?.number(of: "2") == nil)
        #expect(LabelMap(config)?.number(of: "01") == nil && map.number(of: "0") == nil)
        #expect(LabelMap(count: 3).names == ["0", "1", "2"] && LabelMap(count: 3).number(of: "2") == 2)
        // Bytes tell classes apart.
        #expect(LabelMap(["é", "e\u{301}"] as [String])?.names.count == 2)
    }
}
