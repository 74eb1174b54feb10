import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// LoHa: ΔW = s·(w1_a·w1_b) ⊙ (w2_a·w2_b), s = α/r; with cores each product is Σ_ij t[i, j, ·]·w_b[j, ·]·w_a[i, ·].
    static let hadamard = UpdateBuilder { context throws(Failure) in
        let hasCores = context.entry[.t1] != nil
        let a = try context.sides(.w1A)
        let b = try context.sides(.w1B)
        let kernel = hasCores ? Array(try context.source(.t1).shape.dimensions.dropFirst(2)) : []
        let layout = try context.layout(
            out: hasCores ? a.columns : a.rows,
            in: try context.product(b.columns, try Shape(kernel).elementCount()))
        guard !layout.isTransposed else {
            throw .notMergeable("LoHa's factors are not defined for a weight that is stored transposed")
        }
        let alpha = try context.number("alpha", pattern: "alpha_pattern", default: 8)
        let scale = Float(alpha / Double(b.rows) * context.weight)
        if context.weight == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                .sum(
                    HadamardProduct(
                        first: try product(context, .w1A, .w1B, core: .t1),
                        second: try product(context, .w2A, .w2B, core: .t2), scale: scale))
            }
        ]
    }

    private static func product(
        _ context: UpdateContext, _ a: Role, _ b: Role, core: Role
    ) throws(Failure) -> LowRank {
        let a = try context.matrix(a)
        let b = try context.matrix(b)
        guard let source = context.entry[core] else { return LowRank(left: a, right: b) }
        return LowRank(left: a.transposed, right: try Core(source).contracted(with: b))
    }
}

/// The core of a convolution's factors: t [r, r, k…].
struct Core {
    private let values: [Float]
    private let sides: [Int]

    init(_ source: any TensorSource) throws(Failure) {
        values = try source.floats()
        sides = source.shape.dimensions
    }

    /// Σ_j t[i, j, x]·b[j, c] as [r, c·x].
    func contracted(with b: Matrix) -> Matrix {
        let kernel = sides.dropFirst(2).reduce(1, *)
        var result = Matrix(
            rows: sides[0], columns: b.columns * kernel,
            [Float](repeating: 0, count: sides[0] * b.columns * kernel))
        for i in 0..<sides[0] {
            for j in 0..<sides[1] {
                for column in 0..<b.columns {
                    for x in 0..<kernel {
                        let place = column * kernel + x
                        result[i, place] = result[i, place].addingProduct(
                            values[(i * sides[1] + j) * kernel + x], b[j, column])
                    }
                }
            }
        }
        return result
    }
}

/// The element-wise product of two low-rank matrices: each in fp32 as ``LowRank`` has it, then RN32(RN32(p·q)·s).
struct HadamardProduct: SumUpdate {
    let first: LowRank
    let second: LowRank
    let scale: Float

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        let columns = first.right.columns
        for row in rows {
            let p = first.row(row)
            let q = second.row(row)
            let start = (row - rows.lowerBound) * columns
            for column in 0..<columns { sum[start + column] += p[column] * q[column] * scale }
        }
    }
}

extension LowRank {
    /// One row of the change by itself.
    func row(_ row: Int) -> [Float] {
        var values = [Float](repeating: 0, count: right.columns)
        var span = values.mutableSpan
        add(rows: row..<(row + 1), to: &span)
        return values
    }

    /// All of it.
    var product: Matrix {
        var values = [Float](repeating: 0, count: left.rows * right.columns)
        var span = values.mutableSpan
        add(rows: 0..<left.rows, to: &span)
        return Matrix(rows: left.rows, columns: right.columns, values)
    }
}
