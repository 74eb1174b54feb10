import Diagnostics
import Files

/// Makes examples of a table's records.
struct TableExamples {
    let options: LabeledSet.Options
    let path: String

    /// The examples of a file, and what is to be told of it.
    ///
    /// Throws ``Failure/Code/badDataLine`` for a first record that is no header and has not two or three values, or for a
    /// header that lacks a column.
    func read(
        _ file: InputFile, skipping skipped: inout SkippedLines
    ) throws(Failure) -> (examples: [LabeledExample], findings: [Finding], hasHeader: Bool) {
        let wanted = options.textColumns + (options.labelColumn.map { [$0] } ?? [])
        var table = try NamedTable(
            file, path: path, limit: options.lineByteLimit,
            NamedTable.Naming(
                known: LabeledColumns.headerNames, wanted: wanted, unnamed: { LabeledColumns.unnamed(count: $0) }))
        if table.names.isEmpty { return ([], [], true) }
        let columns: LabeledColumns
        do throws(Failure) {
            columns = try LabeledColumns(in: table.names, texts: options.textColumns, label: options.labelColumn)
        } catch {
            throw error.on("line \(table.firstLine)").at(path: path)
        }
        let places = (columns.texts + [columns.label]).map { name in
            table.names.firstIndex { $0.equalsInBytes(name) } ?? 0
        }
        let count = table.names.count
        var examples: [LabeledExample] = []
        while let record = try table.next() {
            let example = try skipped.trying(record.line) { () throws(Failure) in
                try self.example(record.values(count: count), places, line: record.line)
            }
            if let example { examples.append(example) }
        }
        return (examples, table.findings, table.hasHeader)
    }

    private func example(_ fields: [String], _ places: [Int], line: Int) throws(Failure) -> LabeledExample {
        let label = fields[places[places.count - 1]]
        guard !label.isEmpty else { throw Failure(.badDataLine, "the label is empty") }
        let second = places.count == 3 ? fields[places[1]] : nil
        return LabeledExample(.text(fields[places[0]], second: second), label: label, line: line)
    }
}
