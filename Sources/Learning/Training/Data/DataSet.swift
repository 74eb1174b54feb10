import Architectures
package import Diagnostics
package import Digests
import Files

/// All rows of a file, and what became of those that could not be used.
package struct DataSet: Sendable {
    package let path: String
    package let rows: [Row]
    /// How many lines could not be used.
    package let skippedCount: Int
    /// How many rows lost tokens because they were longer than allowed.
    package let truncatedCount: Int
    /// One for each of the first lines that were skipped, and one for each sum.
    package let findings: [Finding]

    /// Reads a file: a table where its name ends in `.csv` or `.tsv`, and else lines of JSON. Empty lines are passed over.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a table that lacks a column, for a label that is none of the classes, and for
    /// the first line that cannot be used where the options are strict; ``Failure/Code/dataEmpty`` where no row is left, and
    /// what reading throws.
    package init(path: String, options: DataOptions) throws(Failure) {
        if options.task.isOfRows {
            try self.init(LabeledSet(path: path, options: options.labeled), options)
            return
        }
        let file = try InputFile(path: path)
        var gatherer = Gatherer(path: path, options: options)
        if NamedTable.isTable(path) {
            var table = try NamedTable(
                file, path: path, limit: options.lineByteLimit,
                NamedTable.Naming(
                    known: DataLine.columns, hint: "a text and its label are for --task classification",
                    unnamed: { $0 == 1 ? ["text"] : nil }))
            gatherer.told = table.findings
            let names = table.names
            while let record = try table.next() {
                try gatherer.add(record.line) { () throws(Failure) in
                    DataLine(names, try record.values(count: names.count))
                }
            }
        } else {
            var reader = LineReader(file, limit: options.lineByteLimit)
            while let line = try reader.next() {
                if line.isBlank { continue }
                try gatherer.add(line.number) { () throws(Failure) in
                    try DataLine(line, path: path, options: options)
                }
            }
        }
        try file.checkUnchanged()
        try self.init(gatherer)
    }

    /// The rows of examples: each with the number of its class, or its value.
    ///
    /// Throws as ``init(path:options:)`` does.
    init(_ set: LabeledSet, _ options: DataOptions) throws(Failure) {
        var gatherer = Gatherer(path: set.path, options: options)
        gatherer.told = set.told
        gatherer.skipped.add(set.skipped)
        let answers: [Double]
        if options.task == .regression {
            answers = try set.numbers()
        } else {
            answers = try set.classes(options.classes ?? LabelMap(count: options.classCount)).map(Double.init)
        }
        for (example, answer) in zip(set.examples, answers) { try gatherer.add(example, answer) }
        try self.init(gatherer)
    }

    private init(_ gatherer: Gatherer) throws(Failure) {
        guard !gatherer.rows.isEmpty else {
            throw gatherer.skipped.empty(
                expected: "each line is an object with `text`, `messages`, `prompt` and `completion`, or `input_ids`")
        }
        path = gatherer.skipped.path
        rows = gatherer.rows
        skippedCount = gatherer.skipped.count
        truncatedCount = gatherer.truncatedCount
        findings = gatherer.findings
    }

    /// How many tokens are predicted in all rows together.
    package var labeledTokenCount: Int { rows.reduce(0) { $0 + $1.labeledTokenCount } }

    /// What identifies the rows: `Spec/data.md`.
    package var digest: Digest { DataDigest.of(rows) }

    /// Throws ``Failure/Code/dataEmpty`` where no row asks for anything: then any model would be perfect.
    func checkLabeled() throws(Failure) {
        guard labeledTokenCount == 0 else { return }
        throw Failure(
            .dataEmpty, "no token of the data is labeled", path: path,
            hint: "rows need two tokens at least, and a label other than -100 after the first")
    }
}

/// Rows as they are made, and what is to be told of them.
private struct Gatherer {
    private let options: DataOptions
    var told: [Finding] = []
    var skipped: SkippedLines
    private(set) var rows: [Row] = []
    private(set) var truncatedCount = 0
    private var endlessCount = 0
    private var endlessTurnCount = 0
    private var promptOnlyCount = 0
    private var ignoredLabelCount = 0

    init(path: String, options: DataOptions) {
        self.options = options
        skipped = SkippedLines(path: path, isStrict: options.isStrict, fatal: options.fatal)
    }

    mutating func add(_ line: Int, _ fields: () throws(Failure) -> DataLine) throws(Failure) {
        let maker = RowReader(options: options, line: line)
        let outcome = try skipped.trying(line) { () throws(Failure) in try maker.row(fields()) }
        guard let outcome else { return }
        rows.append(outcome.row)
        if outcome.isTruncated { truncatedCount += 1 }
        if outcome.hasNoEnd { endlessCount += 1 }
        if outcome.hasNoTurnEnd { endlessTurnCount += 1 }
        if outcome.isPromptOnly { promptOnlyCount += 1 }
        if outcome.hasIgnoredLabel { ignoredLabelCount += 1 }
    }

    mutating func add(_ example: LabeledExample, _ answer: Double) throws(Failure) {
        let maker = LabeledRows(options: options)
        let outcome = try skipped.trying(example.line) { () throws(Failure) in try maker.row(example, answer: answer) }
        guard let outcome else { return }
        rows.append(outcome.row)
        if outcome.isTruncated { truncatedCount += 1 }
    }

    var findings: [Finding] {
        let sums = [
            ("truncated-rows", "rows cut to \(options.maximumLength) tokens", truncatedCount),
            ("unlabeled-rows", "rows of which nothing is learned, as only the prompt is left", promptOnlyCount),
            (
                "no-end-token", "nothing says which token ends a text, so none was appended; rows of text",
                endlessCount
            ),
            (
                "no-turn-end",
                "conversations that close with no token at which the base ends a text, so that of what is generated only "
                    + "--stop finds the end", endlessTurnCount
            ),
            (
                "ignored-labels", "rows whose `label` is not learned, as --task classification would",
                ignoredLabelCount
            ),
        ]
        return told + skipped.findings
            + sums.filter { $0.2 > 0 }.map { Finding($0.0, "\($0.1): \($0.2)", object: skipped.path) }
    }
}
