import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// LoKr: ΔW = s·(w1 ⊗ w2), s = α/r with the rank of the config.
    static let kronecker = UpdateBuilder { context throws(Failure) in
        let first = try product(context, .w1, .w1A, .w1B, core: nil)
        let second = try product(context, .w2, .w2A, .w2B, core: .t2)
        let layout = try context.layout(
            out: try context.product(first.rows, second.rows), in: try context.product(first.columns, second.columns))
        guard !layout.isTransposed else {
            throw .notMergeable("LoKr's factors are not defined for a weight that is stored transposed")
        }
        let rank = try context.number("r", pattern: "rank_pattern", default: 8)
        let alpha = try context.number("alpha", pattern: "alpha_pattern", default: 8)
        guard rank >= 1 else { throw Failure(.badParameter, "r is no rank", actual: "\(rank)") }
        let scale = Float(alpha / rank * context.weight)
        if context.weight == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                .sum(KroneckerProduct(first: try first.matrix(), second: try second.matrix(), scale: scale))
            }
        ]
    }

    /// One side of the product: whole, or of two factors, or of two and a core.
    private struct Side: Sendable {
        let rows: Int
        let columns: Int
        let matrix: @Sendable () throws(Failure) -> Matrix
    }

    private static func product(
        _ context: UpdateContext, _ whole: Role, _ a: Role, _ b: Role, core: Role?
    ) throws(Failure) -> Side {
        if context.entry[whole] != nil {
            let sides = try context.sides(whole)
            return Side(rows: sides.rows, columns: sides.columns) { () throws(Failure) in try context.matrix(whole) }
        }
        let (left, right) = (try context.sides(a), try context.sides(b))
        guard let core, let source = context.entry[core] else {
            return Side(rows: left.rows, columns: right.columns) { () throws(Failure) in
                LowRank(left: try context.matrix(a), right: try context.matrix(b)).product
            }
        }
        let kernel = try Shape(Array(source.shape.dimensions.dropFirst(2))).elementCount()
        return Side(rows: left.columns, columns: try context.product(right.columns, kernel)) { () throws(Failure) in
            let right = try Core(source).contracted(with: try context.matrix(b))
            return LowRank(left: try context.matrix(a).transposed, right: right).product
        }
    }
}

/// ΔW[a·k + c, b·n + d] = RN32(RN32(w1[a, b]·w2[c, d])·s), w2 [k, n].
struct KroneckerProduct: SumUpdate {
    let first: Matrix
    let second: Matrix
    let scale: Float

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        for row in rows {
            var place = (row - rows.lowerBound) * first.columns * second.columns
            for b in 0..<first.columns {
                let factor = first[row / second.rows, b]
                for d in 0..<second.columns {
                    sum[place] += factor * second[row % second.rows, d] * scale
                    place += 1
                }
            }
        }
    }
}
