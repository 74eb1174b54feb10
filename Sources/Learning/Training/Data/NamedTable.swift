import Diagnostics
import Files

/// The records of a table whose columns have names: those of its first record, where that is a header.
struct NamedTable: ~Copyable {
    /// What tells a header from a record, and what columns are called without one.
    struct Naming {
        /// Names of which a header has one at least.
        let known: [String]
        /// What to do where there is none.
        var hint: String?
        /// Names that were asked for, so that there must be a header with one of them.
        var wanted: [String] = []
        /// The names of so many columns without a header; nil where there are none.
        let unnamed: (Int) -> [String]?
    }

    /// What its first record says.
    private struct Beginning {
        var names: [String] = []
        var line = 1
        var findings: [Finding] = []
        /// The record, where it is no header.
        var held: TableReader.Record?
    }

    private let path: String
    private var beginning: Beginning
    private var reader: TableReader

    /// None where there are no records at all.
    var names: [String] { beginning.names }
    /// Where the first record lies.
    var firstLine: Int { beginning.line }
    var hasHeader: Bool { beginning.findings.isEmpty }
    /// That there is no header, where there is none.
    var findings: [Finding] { beginning.findings }

    /// Whether a file is a table by its name.
    static func isTable(_ path: String) -> Bool { path.hasSuffix(".csv") || path.hasSuffix(".tsv") }

    /// Begins to read a file whose name ends in `.csv` or `.tsv`.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a first record that is no header and of which nobody knows what it holds, and
    /// what reading throws.
    init(_ file: InputFile, path: String, limit: Int, _ naming: Naming) throws(Failure) {
        var reader = TableReader(file, isCommaSeparated: path.hasSuffix(".csv"), limit: limit)
        let first = try Self.located(path) { () throws(Failure) in try reader.next() }
        beginning = try first.map { record throws(Failure) in try Self.beginning(record, path, naming) } ?? Beginning()
        self.reader = reader
        self.path = path
    }

    private static func located<Result>(
        _ path: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        do throws(Failure) {
            return try body()
        } catch {
            throw error.at(path: path)
        }
    }

    private static func beginning(
        _ first: TableReader.Record, _ path: String, _ naming: Naming
    ) throws(Failure) -> Beginning {
        let fields: [String]
        do throws(Failure) {
            fields = try first.fields.get()
        } catch {
            throw error.on("line \(first.line)").at(path: path)
        }
        let known = naming.wanted.isEmpty ? naming.known : naming.wanted
        if fields.contains(where: { field in known.contains { $0.equalsInBytes(field) } }) {
            return Beginning(names: fields, line: first.line)
        }
        guard naming.wanted.isEmpty, let unnamed = naming.unnamed(fields.count) else {
            throw Failure(
                .badDataLine, "the table has no header", object: "line \(first.line)", path: path,
                expected: "a first record with the names of the columns, one of them "
                    + known.prefix(6).map { "`\($0)`" }.joined(separator: ", "),
                actual: fields.prefix(4).map { "\($0.prefix(40))" }.joined(separator: ", "), hint: naming.hint)
        }
        let finding = Finding(
            "no-header", "the table has no header and is read as: \(unnamed.joined(separator: ", "))", object: path)
        return Beginning(names: unnamed, line: first.line, findings: [finding], held: first)
    }

    /// The next record, nil at the end.
    mutating func next() throws(Failure) -> TableReader.Record? {
        if let record = beginning.held {
            beginning.held = nil
            return record
        }
        return try Self.located(path) { () throws(Failure) in try reader.next() }
    }
}
