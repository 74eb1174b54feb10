/// Whole rows one behind the other, to be computed in one pass without padding: attention stays within each segment.
package struct PackedBatch: Hashable, Sendable {
    package private(set) var tokens: [Int32] = []
    /// What is to be predicted at each token: the label of the token after it in its row, ``Row/ignored`` at a row's end.
    package private(set) var labels: [Int32] = []
    /// Each token's place in its row, from 0.
    package private(set) var positions: [Int32] = []
    /// The tokens of each row.
    package private(set) var segments: [Range<Int>] = []
    /// The line of each row in the file, from 1.
    package private(set) var lines: [Int] = []
    package private(set) var labeledTokenCount = 0

    /// Rows in this order.
    package init(_ rows: some Sequence<Row>) {
        for row in rows {
            let start = tokens.count
            tokens += row.inputs
            labels += row.labels.dropFirst()
            labels.append(Row.ignored)
            positions += 0..<Int32(row.inputs.count)
            segments.append(start..<tokens.count)
            lines.append(row.line)
            labeledTokenCount += row.labeledTokenCount
        }
    }
}

/// The rows of one step of the optimizer, in as many passes as the memory asks for.
package struct Batch: Hashable, Sendable {
    package let parts: [PackedBatch]
    /// Over all parts; the loss is the mean over these.
    package let labeledTokenCount: Int

    /// Packs rows into parts of at most `tokens` tokens, as few as "first fit, the longest first" finds. Rows are never
    /// cut: one that is longer is a part of its own. Within a part, and among parts, rows keep their order.
    ///
    /// - Parameter tokens: At least 1.
    package init(_ rows: [Row], tokens limit: Int) {
        precondition(limit > 0)
        var bins: [(members: [Int], room: Int)] = []
        let longestFirst = rows.indices.sorted { (-rows[$0].inputs.count, $0) < (-rows[$1].inputs.count, $1) }
        for index in longestFirst {
            let count = rows[index].inputs.count
            if let bin = bins.firstIndex(where: { $0.room >= count }) {
                bins[bin].members.append(index)
                bins[bin].room -= count
            } else {
                bins.append(([index], limit - count))
            }
        }
        let ordered = bins.map { $0.members.sorted() }.sorted { $0[0] < $1[0] }
        parts = ordered.map { members in PackedBatch(members.map { rows[$0] }) }
        labeledTokenCount = parts.reduce(0) { $0 + $1.labeledTokenCount }
    }
}
