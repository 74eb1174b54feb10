import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// MiSS: a block repeated over the inputs ("mini": over the outputs too); "bat": every r × r block of W becomes W +
    /// W·value + value.
    static let shards = UpdateBuilder { context throws(Failure) in
        let value = try context.source(.value).shape.dimensions
        guard value.count == 3 else { return try repeated(context, value) }
        try context.requireWholeWeight("MiSS's \"bat\"")
        let layout = try context.layout(out: try context.product(value[0], value[1]))
        guard layout.in % value[1] == 0, !layout.isTransposed else {
            throw context.mismatch(try context.tensor(), expected: "blocks of \(value[1])")
        }
        return [
            context.planned(layout, .map(.rows)) { () throws(Failure) in
                .map(
                    ShardProduct(
                        values: try context.source(.value).floats(), side: value[1], columns: layout.in))
            }
        ]
    }

    private static func repeated(_ context: UpdateContext, _ value: [Int]) throws(Failure) -> [PlannedUpdate] {
        guard value.count == 2, value.allSatisfy({ $0 > 0 }) else {
            throw Failure(.kindShape, "the block of a shards entry has the wrong shape")
        }
        let isMini = context.adapter.parameters["init_weights"]?.string == "mini"
        let layout = isMini ? try context.layout() : try context.layout(out: value[1])
        guard layout.out % value[1] == 0, !layout.isTransposed else {
            throw context.mismatch(try context.tensor(), expected: "outputs in multiples of \(value[1])")
        }
        let scale = Float(context.weight)
        if scale == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                .sum(RepeatedBlock(block: try context.matrix(.value), columns: layout.in, scale: scale))
            }
        ]
    }
}

/// ΔW[o, k·r + i] = block[i, o mod m], block [r, m]; the last repetition may be cut off.
struct RepeatedBlock: SumUpdate {
    let block: Matrix
    let columns: Int
    let scale: Float

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        for row in rows {
            let start = (row - rows.lowerBound) * columns
            for column in 0..<columns {
                sum[start + column] += scale * block[column % block.rows, row % block.columns]
            }
        }
    }
}

/// W' = W + W·M + M by blocks of r × r, M that of the block's outputs: values [out/r, r, r]. Sums in fp64.
struct ShardProduct: RowUpdate {
    let values: [Float]
    let side: Int
    let columns: Int

    var axis: UpdateAxis { .rows }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        var before = [Double](repeating: 0, count: side)
        for row in rows {
            let block = row / side * side * side
            let own = block + row % side * side
            for start in stride(from: 0, to: columns, by: side) {
                let place = (row - rows.lowerBound) * columns + start
                for k in 0..<side { before[k] = Double(weights[place + k]) }
                for column in 0..<side {
                    var sum = before[column] + Double(values[own + column])
                    for k in 0..<side { sum += before[k] * Double(values[block + k * side + column]) }
                    weights[place + column] = Float(sum)
                }
            }
        }
    }
}
