import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// Rows that stand for those of the base at their places; whatever the weight, as in PEFT.
    static let rows = UpdateBuilder { context throws(Failure) in
        let value = try context.sides(.value)
        let (rows, columns) = try context.sides()
        guard value.columns == columns else {
            throw context.mismatch(try context.tensor(), expected: "rows of \(value.columns)")
        }
        let stored = context.entry[.indices]
        let places =
            try stored.map { source throws(Failure) in try source.places() }
            ?? context.adapter.rowIndices(of: context.entry.key)
        guard let places, places.count == value.rows else {
            throw Failure(.badParameter, "the places of the rows are not known", object: "trainable_token_indices")
        }
        if let beyond = places.first(where: { $0 >= rows }) {
            throw context.mismatch(try context.tensor(), expected: "more than \(beyond) rows")
        }
        return [
            context.planned(context.target, .map(.rows), rows: rows, columns: columns) { () throws(Failure) in
                let values = try context.source(.value).floats()
                var table: [Int: ArraySlice<Float>] = [:]
                for (index, place) in places.enumerated() {
                    table[place] = values[(index * columns)..<((index + 1) * columns)]
                }
                return .map(RowReplacement(table: table, columns: columns))
            }
        ]
    }
}

/// Some rows replaced; of a place that is named twice, by the last.
struct RowReplacement: RowUpdate {
    let table: [Int: ArraySlice<Float>]
    let columns: Int

    var axis: UpdateAxis { .rows }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        for row in rows {
            guard let values = table[row] else { continue }
            var place = (row - rows.lowerBound) * columns
            for value in values {
                weights[place] = value
                place += 1
            }
        }
    }
}
