package import Layers

/// Puts whole rows one behind the other, to go through a model without padding.
package enum Packing {
    /// The rows in their order, in as few passes as hold `tokensPerPass` tokens each; a longer row is a pass of its own.
    /// Where passes begin changes no bit of what is learned.
    ///
    /// - Parameter virtualTokens: How many tokens a method will put in front of each row.
    package static func batches(of rows: [Row], tokensPerPass: Int, virtualTokens: Int = 0) -> [Batch] {
        var batches: [Batch] = []
        var held: [Row] = []
        var count = 0
        var before = (tokens: 0, rows: 0)
        func close() {
            if !held.isEmpty { batches.append(batch(held, firstToken: before.tokens, firstRow: before.rows)) }
            before.tokens += count
            before.rows += held.count
            held = []
            count = 0
        }
        for row in rows {
            if count + row.inputs.count + (held.count + 1) * virtualTokens > tokensPerPass { close() }
            held.append(row)
            count += row.inputs.count
        }
        close()
        return batches
    }

    private static func batch(_ rows: [Row], firstToken: Int, firstRow: Int) -> Batch {
        var tokens: [Int32] = []
        var labels: [Int32] = []
        var positions: [Int32] = []
        var segments: [Range<Int>] = []
        var targets: [Double] = []
        var types: [Int32] = []
        let hasTypes = rows.contains { !$0.types.isEmpty }
        for row in rows {
            let start = tokens.count
            tokens += row.inputs
            switch row.question {
            case .next: labels += row.labels.dropFirst() + [Batch.ignored]
            case .own: labels += row.labels
            case .whole(let target):
                labels += row.labels
                targets.append(target)
            }
            if hasTypes { types += row.types.isEmpty ? row.inputs.map { _ in 0 } : row.types }
            positions += 0..<Int32(row.inputs.count)
            segments.append(start..<tokens.count)
        }
        return Batch(
            tokens: tokens, labels: labels, positions: positions, segments: segments, targets: targets, types: types,
            firstToken: firstToken, firstRow: firstRow)
    }
}
