import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// W' = W ⊙ l: by outputs, and the bias too, or by inputs in a feed-forward module.
    static let ia3 = UpdateBuilder { context throws(Failure) in
        try context.requireWholeWeight("(IA)³")
        let dimensions = try context.source(.scale).shape.dimensions
        let count = try context.source(.scale).shape.elementCount()
        let (rows, columns) = try context.sides()
        let tensor = try context.tensor()
        let inputs = tensor.shape.rank > 2 ? tensor.shape.dimensions[1] : columns
        let scalesOutputs: Bool
        let layout: WeightLayout
        if dimensions.count == 2 {
            scalesOutputs = dimensions[1] == 1 && !(count == 1 && isFeedForward(context))
            layout = scalesOutputs ? try context.layout(out: count) : try context.layout(in: count)
        } else {
            // A convolution's vector is [1, channels, 1, …] on either side.
            scalesOutputs = rows == count && (inputs != count || !isFeedForward(context))
            guard rows == count || inputs == count else {
                throw context.mismatch(tensor, expected: "\(count) channels")
            }
            layout = WeightLayout(out: rows, in: columns, isTransposed: false)
        }
        let scalesRows = scalesOutputs != layout.isTransposed
        let run = scalesRows ? 1 : layout.columns / max(count, 1)
        var updates = [
            context.planned(layout, .map(.rows)) { () throws(Failure) in
                .map(
                    VectorScale(
                        factors: try context.source(.scale).floats(), columns: layout.columns,
                        side: scalesRows ? .rows : .columns(run: run)))
            }
        ]
        if scalesOutputs, let bias = context.bias, bias.count == count {
            updates.append(
                context.planned(bias.name, .map(.rows), rows: count, columns: 1) { () throws(Failure) in
                    .map(VectorScale(factors: try context.source(.scale).floats(), columns: 1, side: .rows))
                })
        }
        return updates
    }

    private static func isFeedForward(_ context: UpdateContext) -> Bool {
        let path = context.entry.modulePath
        return context.adapter.parameters["feedforward_modules"]?.strings?.contains { path.hasSuffix($0) } ?? false
    }
}

/// Every element times that of a vector for its row or for its column.
struct VectorScale: RowUpdate {
    let factors: [Float]
    let columns: Int
    let side: Side

    enum Side: Hashable, Sendable {
        case rows
        /// A factor for every `run` neighbors of a row.
        case columns(run: Int)
    }

    var axis: UpdateAxis { .rows }

    private func factor(_ row: Int, _ column: Int) -> Float {
        switch side {
        case .rows: factors[row]
        case .columns(let run): factors[column / run]
        }
    }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        for row in rows {
            let start = (row - rows.lowerBound) * columns
            for column in 0..<columns {
                weights[start + column] *= factor(row, column)
            }
        }
    }
}
