import Diagnostics

/// Makes examples of a table's records.
struct TableExamples {
    let options: LabeledSet.Options
    let path: String

    /// Throws ``Failure/Code/badDataLine`` for a first record that is no header and has not two or three values, or for a
    /// header that lacks a column.
    func read(_ reader: inout TableReader, into gatherer: inout Gatherer) throws(Failure) {
        guard let first = try reader.next() else { return }
        let fields: [String]
        do {
            fields = try first.fields.get()
        } catch {
            throw located(error, first.line)
        }
        let wanted = options.textColumns + (options.labelColumn.map { [$0] } ?? [])
        let isHeader = LabeledColumns.isHeader(fields, wanted: wanted)
        guard let names = isHeader ? fields : LabeledColumns.unnamed(count: fields.count), isHeader || wanted.isEmpty
        else {
            throw located(
                Failure(
                    .badDataLine, "the table has no header", expected: "names of columns, or a text and its label",
                    actual: fields.prefix(4).map { "\($0.prefix(40))" }.joined(separator: ", ")), first.line)
        }
        if !isHeader {
            gatherer.told.append(
                Finding(
                    "no-header", "the table has no header and is read as: \(names.joined(separator: ", "))",
                    object: path))
        }
        let columns: LabeledColumns
        do throws(Failure) {
            columns = try LabeledColumns(in: names, texts: options.textColumns, label: options.labelColumn)
        } catch {
            throw located(error, first.line)
        }
        let places = (columns.texts + [columns.label]).map { name in
            names.firstIndex { $0.equalsInBytes(name) } ?? 0
        }
        if !isHeader { try add(first, names.count, places, to: &gatherer) }
        while let record = try reader.next() { try add(record, names.count, places, to: &gatherer) }
    }

    private func add(
        _ record: TableReader.Record, _ count: Int, _ places: [Int], to gatherer: inout Gatherer
    ) throws(Failure) {
        try gatherer.add(record.line) { () throws(Failure) in
            let fields = try record.fields.get()
            guard fields.count == count else {
                throw Failure(
                    .badDataLine, "the record has another number of values than the first", expected: "\(count)",
                    actual: "\(fields.count)")
            }
            let label = fields[places[places.count - 1]]
            guard !label.isEmpty else { throw Failure(.badDataLine, "the label is empty") }
            let second = places.count == 3 ? fields[places[1]] : nil
            return LabeledExample(.text(fields[places[0]], second: second), label: label, line: record.line)
        }
    }

    private func located(_ failure: Failure, _ line: Int) -> Failure {
        failure.on("line \(line)").at(path: path)
    }
}
