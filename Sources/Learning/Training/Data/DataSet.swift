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

    /// How many skipped lines have a finding of their own.
    private static let shownLineCount = 10

    /// Reads a file of JSON lines; empty lines are passed over.
    ///
    /// Throws ``Failure/Code/badDataLine`` for the first line that cannot be used where the options are strict,
    /// ``Failure/Code/dataEmpty`` where no row is left, and what reading throws.
    package init(path: String, options: DataOptions) throws(Failure) {
        let file = try InputFile(path: path)
        var reader = LineReader(file, limit: options.lineByteLimit)
        let maker = RowReader(options: options, path: path)
        var rows: [Row] = []
        var skipped: [Failure] = []
        var skippedCount = 0
        var truncatedCount = 0
        var endlessCount = 0
        var promptOnlyCount = 0
        while let line = try reader.next() {
            if !line.isTooLong && line.bytes.allSatisfy(\.isJSONSpace) { continue }
            do throws(Failure) {
                let outcome = try maker.row(line)
                rows.append(outcome.row)
                if outcome.isTruncated { truncatedCount += 1 }
                if outcome.hasNoEnd { endlessCount += 1 }
                if outcome.isPromptOnly { promptOnlyCount += 1 }
            } catch {
                guard error.code == .badDataLine, !options.isStrict else { throw error }
                skippedCount += 1
                if skipped.count < Self.shownLineCount { skipped.append(error) }
            }
        }
        try file.checkUnchanged()
        guard !rows.isEmpty else { throw Self.empty(path, skipped.first) }
        self.path = path
        self.rows = rows
        self.skippedCount = skippedCount
        self.truncatedCount = truncatedCount
        findings =
            Self.findings(path, skipped, skippedCount)
            + Self.findings(path, truncatedCount, endlessCount, promptOnlyCount, options.maximumLength)
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

    private static func empty(_ path: String, _ first: Failure?) -> Failure {
        Failure(
            .dataEmpty, "no line of the data can be used", path: path,
            hint: first?.hints.first
                ?? "each line is an object with `text`, `messages`, `prompt` and `completion`, or `input_ids`",
            cause: first.map { "\($0.object ?? ""): \($0.what)" })
    }

    private static func findings(_ path: String, _ skipped: [Failure], _ skippedCount: Int) -> [Finding] {
        if skippedCount == 0 { return [] }
        let word = Failure.Code.badDataLine.word
        return skipped.map { Finding(word, "skipped \($0)") }
            + [Finding(word, "lines skipped in all: \(skippedCount)", object: path)]
    }

    private static func findings(
        _ path: String, _ truncatedCount: Int, _ endlessCount: Int, _ promptOnlyCount: Int,
        _ maximumLength: Int
    ) -> [Finding] {
        var findings: [Finding] = []
        if truncatedCount > 0 {
            findings.append(
                Finding("truncated-rows", "rows cut to \(maximumLength) tokens: \(truncatedCount)", object: path))
        }
        if promptOnlyCount > 0 {
            findings.append(
                Finding(
                    "unlabeled-rows",
                    "rows of which nothing is learned, as only the prompt is left: \(promptOnlyCount)", object: path))
        }
        if endlessCount > 0 {
            findings.append(
                Finding(
                    "no-end-token",
                    "nothing says which token ends a text, so none was appended; rows of text: \(endlessCount)",
                    object: path))
        }
        return findings
    }
}

extension UInt8 {
    fileprivate var isJSONSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0D }
}
