import Diagnostics
import Tensors

/// A sum of outer products, or a stack of such sums: Δ[m·h + i, j] = Σ_k left[m·h + i, k]·right[m·r + k, j], with h rows and
/// r products in each matrix m of the stack.
///
/// The scale is in one of the factors already, rounded once. k ascends, one rounding an addition: `Spec/arithmetic.md`.
struct LowRank: SumUpdate {
    let left: Matrix
    let right: Matrix
    let stack: Int

    /// Either factor may be the adapter's B, so that a transposed weight has the same bits.
    init(left: Matrix, right: Matrix, stack: Int = 1) {
        precondition(left.columns * stack == right.rows && left.rows % stack == 0)
        self.left = left
        self.right = right
        self.stack = stack
    }

    /// ΔW = s·B·A as it lies in the tensor: B [out, r], A [r, in].
    init(b: Matrix, a: Matrix, scale: Float, _ layout: WeightLayout) {
        let b = b.scaled(by: scale)
        self = layout.isTransposed ? LowRank(left: a.transposed, right: b.transposed) : LowRank(left: b, right: a)
    }

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        let height = left.rows / stack
        let rank = left.columns
        for row in rows {
            let matrix = row / height
            Self.add(
                left.values.span.extracting((row * rank)..<((row + 1) * rank)),
                right.values.span.extracting((matrix * rank * right.columns)..<((matrix + 1) * rank * right.columns)),
                to: &sum, at: (row - rows.lowerBound) * right.columns, columns: right.columns)
        }
    }

    /// acc[j] = fma(left[k], right[k, j], acc[j]) for k ascending, on `columns` elements of `sum` from `start` on.
    private static func add(
        _ left: Span<Float>, _ right: Span<Float>, to sum: inout MutableSpan<Float>, at start: Int, columns: Int
    ) {
        for k in left.indices {
            let factor = left[k]
            let row = k * columns
            for column in 0..<columns {
                sum[start + column] = sum[start + column].addingProduct(factor, right[row + column])
            }
        }
    }
}

/// A whole vector times a number.
struct ScaledVector: SumUpdate {
    let values: [Float]
    let scale: Float

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        for row in rows { sum[row - rows.lowerBound] += scale * values[row] }
    }
}
