package import Diagnostics
import Files

/// All examples of a file of labeled texts, and what became of the lines that could not be used.
package struct LabeledSet: Sendable {
    package let path: String
    package let examples: [LabeledExample]
    /// What is to be told of the file as a whole.
    let told: [Finding]
    /// The label that a table's first record has, where nothing says whether it is a header.
    let doubtfulLabel: String?
    let skipped: SkippedLines

    /// How many lines could not be used.
    package var skippedCount: Int { skipped.count }
    package var findings: [Finding] { told + skipped.findings }

    /// How labeled texts are read.
    package struct Options: Sendable {
        /// Ids are below this.
        package var vocabularySize: Int
        /// Parts of a row are below this.
        package var typeCount = 1
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
        var skipped = SkippedLines(path: path, isStrict: options.isStrict)
        if NamedTable.isTable(path) {
            let hasHeader: Bool
            (examples, told, hasHeader) = try TableExamples(options: options, path: path).read(file, skipping: &skipped)
            doubtfulLabel = hasHeader ? nil : examples.first?.label
        } else {
            var reader = LineReader(file, limit: options.lineByteLimit)
            let maker = LineExamples(options: options, path: path)
            var examples: [LabeledExample] = []
            while let line = try reader.next() {
                if line.isBlank { continue }
                let example = try skipped.trying(line.number) { () throws(Failure) in try maker.example(line) }
                if let example { examples.append(example) }
            }
            self.examples = examples
            told = []
            doubtfulLabel = nil
        }
        try file.checkUnchanged()
        guard !examples.isEmpty else {
            throw skipped.empty(expected: "each line has a text or a pair of texts, and a label")
        }
        self.path = path
        self.skipped = skipped
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
