package import Diagnostics
import Files

/// All examples of a file of labeled texts, and what became of the lines that could not be used.
package struct LabeledSet: Sendable {
    package let path: String
    package let examples: [LabeledExample]
    /// How many lines could not be used.
    package let skippedCount: Int
    package let findings: [Finding]

    /// How labeled texts are read.
    package struct Options: Sendable {
        /// Ids are below this.
        package var vocabularySize: Int
        /// Names of one column or two; none for those that data sets use.
        package var textColumns: [String] = []
        package var labelColumn: String?
        /// Whether the first line that cannot be used ends it all, instead of being skipped and counted.
        package var isStrict = false
        /// Bytes of one line or record; longer ones cannot be used.
        package var lineByteLimit = 16 << 20

        package init(vocabularySize: Int) {
            self.vocabularySize = vocabularySize
        }
    }

    /// Reads a file: a table where its name ends in `.csv` or `.tsv`, and else lines of JSON.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a header that lacks a column, and where the options are strict for the first
    /// line that cannot be used, ``Failure/Code/dataEmpty`` where no example is left, and what reading throws.
    package init(path: String, options: Options) throws(Failure) {
        let file = try InputFile(path: path)
        var gatherer = Gatherer(path: path, isStrict: options.isStrict)
        let isCommaSeparated = path.hasSuffix(".csv")
        if isCommaSeparated || path.hasSuffix(".tsv") {
            var reader = TableReader(file, isCommaSeparated: isCommaSeparated, limit: options.lineByteLimit)
            try TableExamples(options: options, path: path).read(&reader, into: &gatherer)
        } else {
            var reader = LineReader(file, limit: options.lineByteLimit)
            let maker = LineExamples(options: options, path: path)
            while let line = try reader.next() {
                if !line.isTooLong && line.bytes.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) { continue }
                try gatherer.add(line.number) { () throws(Failure) in try maker.example(line) }
            }
        }
        try file.checkUnchanged()
        guard !gatherer.examples.isEmpty else {
            throw Failure(
                .dataEmpty, "no line of the data can be used", path: path,
                hint: "each line has a text or a pair of texts, and a label",
                cause: gatherer.skipped.first.map { "\($0.object ?? ""): \($0.what)" })
        }
        self.path = path
        examples = gatherer.examples
        skippedCount = gatherer.skippedCount
        findings = gatherer.findings
    }

    /// The class of each example.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a label that is none of the classes.
    package func classes(_ map: LabelMap) throws(Failure) -> [Int] {
        var classes: [Int] = []
        for example in examples {
            guard let number = map.number(of: example.label) else {
                throw Failure(
                    .badDataLine, "the label is none of the classes", object: "line \(example.line)", path: path,
                    expected: map.names.prefix(8).joined(separator: ", ") + (map.names.count > 8 ? ", …" : ""),
                    actual: example.label)
            }
            classes.append(number)
        }
        return classes
    }

    /// The number of each example, for a regression.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a label that is no finite number.
    package func numbers() throws(Failure) -> [Double] {
        var numbers: [Double] = []
        for example in examples {
            guard let number = Double(example.label), number.isFinite else {
                throw Failure(
                    .badDataLine, "the label is no number", object: "line \(example.line)", path: path,
                    actual: example.label)
            }
            numbers.append(number)
        }
        return numbers
    }
}

/// Counts what cannot be used, and keeps what can.
struct Gatherer {
    private static let shownCount = 10

    let path: String
    let isStrict: Bool
    private(set) var examples: [LabeledExample] = []
    private(set) var skipped: [Failure] = []
    private(set) var skippedCount = 0
    var told: [Finding] = []

    init(path: String, isStrict: Bool) {
        self.path = path
        self.isStrict = isStrict
    }

    mutating func add(_ line: Int, _ body: () throws(Failure) -> LabeledExample) throws(Failure) {
        do throws(Failure) {
            examples.append(try body())
        } catch {
            if [.interrupted, .terminated, .internal].contains(error.code) { throw error }
            var failure = error
            failure.code = .badDataLine
            failure.object = "line \(line)"
            failure.path = path
            guard !isStrict else { throw failure }
            skippedCount += 1
            if skipped.count < Self.shownCount { skipped.append(failure) }
        }
    }

    var findings: [Finding] {
        let word = Failure.Code.badDataLine.word
        let sum =
            skippedCount == 0 ? [] : [Finding(word, "lines skipped in all: \(skippedCount)", object: path)]
        return told + skipped.map { Finding(word, "skipped \($0)") } + sum
    }
}
