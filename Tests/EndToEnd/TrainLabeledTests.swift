import Files
import JSON
import Support
import Testing

/// Classifications of texts, from tables and lines.
@Suite("Training on labeled texts")
struct TrainLabeledTests {
    private static let words =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ["bad", "fair", "good", "a", "film", "##s", "is", "it"]

    /// A base that reads words, whose files are those of a fixture.
    private func base(_ name: String, in place: TemporaryFolder) throws -> String {
        try copyFolder(TrainingPlace.base(name), to: place("base"))
        try writeFile(Array(Self.words.joined(separator: "\n").utf8), to: place("base/vocab.txt"))
        return place("base")
    }

    /// Sentences whose word says of which of `labels` they are, between two separators.
    private static func table(_ labels: [String], header: String, separator: String) -> [UInt8] {
        let words = ["bad", "fair", "good"]
        let lines = (0..<18).map { row in
            let word = words[row % labels.count]
            return [
                "a film\(row % 2 == 0 ? "s" : "") is \(word)", labels[row % labels.count],
            ].joined(separator: separator)
        }
        return Array(([header] + lines).filter { !$0.isEmpty }.map { $0 + "\n" }.joined().utf8)
    }

    private static let options = ["--epochs", "25", "--batch-size", "6", "--learning-rate", "1e-2"]

    @Test("a table without a header, by the head that the base has")
    func numbers() throws {
        try inFolder { place in
            let base = try base("bert-classes", in: place)
            try place.write(Self.table(["0", "1", "2"], header: "", separator: "\t"), to: "train.tsv")
            let common = ["--base", base, "--data", place("train.tsv")]
            let run = try succeed(["train"] + common + ["-o", place("x.tenon")] + Self.options)
            #expect(run.errors.contains("no header") && run.errors.contains("text, label"))
            let result = try document(["eval", place("x.tenon"), "--json"] + common)
            #expect(
                result.object?.keys
                    == ["loss", "accuracy", "f1", "macroF1", "matthews", "rows", "data", "warnings", "ok"])
            #expect(result["rows"]?.int == 18 && result["accuracy"]?.double == 1)
            let text = try succeed(["eval", place("x.tenon")] + common).output
            #expect(text.contains("accuracy 100.0 %, f1 1.0000, macro-f1 1.0000, matthews 1.0000, 18 rows"))
            try succeed(["verify", place("x.tenon"), "--min", "f1=0.9", "--min", "matthews=0.9"] + common)
            try succeed(["verify", place("x.tenon"), "--retrain"] + common)
            for wrong in ["pearson=0.5", "exact-match=0.5", "matthews=2"] {
                try expectFailure(64, "usage", ["eval", place("x.tenon"), "--min", wrong] + common)
            }
            // The names of classes are the base's.
            #expect(
                try succeed(["inspect", place("x.tenon")]).output.contains("[\"LABEL_0\",\"LABEL_1\",\"LABEL_2\"]"))
            try place.write(
                Self.table(["LABEL_0", "LABEL_1", "LABEL_2"], header: "text,label", separator: ","), to: "y.csv")
            let named = ["eval", place("x.tenon"), "--base", base, "--data", place("y.csv"), "--json"]
            #expect(try document(named)["loss"] == result["loss"])
            try place.write(Self.table(["0", "3"], header: "", separator: "\t"), to: "z.tsv")
            try expectFailure(
                65, "bad-data-line", ["eval", place("x.tenon"), "--base", base, "--data", place("z.tsv")])
        }
    }

    private func document(_ arguments: [String]) throws -> JSONValue {
        try JSONValue.parse(Array(succeed(arguments).output.utf8))
    }

    @Test("named classes of named columns, by a head that is made")
    func names() throws {
        try inFolder { place in
            let base = try base("bert-masked", in: place)
            try Folder.make(place("data"))
            for name in ["train", "dev"] {
                try place.write(
                    Self.table(["poor", "rich"], header: "review text,mood", separator: ","), to: "data/\(name).csv")
            }
            let common = ["--base", base, "--data", place("data")]
            let columns = ["--text-columns", "review text", "--label-column", "mood"]
            let train = ["train", "--task", "classification"] + common + Self.options
            try expectFailure(65, "bad-data-line", train + ["-o", place("x.tenon")])
            try succeed(train + columns + ["-o", place("x.tenon")])
            // The columns and the classes are those that it learned.
            try succeed(["eval", place("x.tenon"), "--min", "accuracy=0.9"] + common)
            try succeed(["verify", place("x.tenon"), "--retrain"] + common)
            #expect(try succeed(["inspect", place("x.tenon")]).output.contains("[\"poor\",\"rich\"]"))
            #expect(try place.names() == ["base", "data", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])
        }
    }

    @Test("values, by a head that is made")
    func values() throws {
        try inFolder { place in
            let base = try base("bert-masked", in: place)
            try place.write(Self.table(["0.5", "1.5", "-1"], header: "text\tscore", separator: "\t"), to: "x.tsv")
            let common = ["--base", base, "--data", place("x.tsv")]
            try succeed(["train", "--task", "regression", "-o", place("x.tenon")] + common + Self.options)
            let result = try document(["eval", place("x.tenon"), "--json"] + common)
            #expect(result.object?.keys == ["loss", "pearson", "spearman", "rows", "data", "warnings", "ok"])
            try succeed(["verify", place("x.tenon"), "--min", "pearson=0.9"] + common)
            try expectFailure(64, "usage", ["eval", place("x.tenon"), "--min", "accuracy=0.5"] + common)
        }
    }

    @Test("what is no data for a task is refused, and nothing is left behind")
    func refusals() throws {
        try inFolder { place in
            let base = try base("bert-masked", in: place)
            func refused(_ status: Int32, _ word: String, _ text: String, as name: String, _ more: [String] = []) throws
            {
                try place.write(Array(text.utf8), to: name)
                try expectFailure(
                    status, word,
                    [
                        "train", "--base", base, "--data", place(name), "-o", place("x.tenon"), "--task",
                        "classification",
                    ]
                        + more)
                try Folder.remove(place(name))
            }
            try refused(65, "bad-data-line", "a,b,c,d\n1,2,3,4\n", as: "x.csv")
            try refused(65, "bad-data-line", "sentence1,label\na,1\n", as: "x.csv")
            try refused(65, "bad-data-line", "text,label\na,1\nb,1\n", as: "x.csv")
            try refused(65, "data-empty", "{\"text\":\"a\"}\n", as: "x.jsonl")
            try refused(65, "bad-data-line", "text,label\na,1\nb\n", as: "x.csv", ["--strict"])
            try refused(64, "usage", "text,label\na,1\nb,2\n", as: "x.csv", ["--text-columns", "a,b,c"])
            #expect(try place.names() == ["base"])
        }
    }
}
