import CKernels
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
        let columns = right.columns
        precondition(rows.upperBound <= left.rows && sum.count >= rows.count * columns)
        unsafe sum.withUnsafeMutableBufferPointer { sum in
            unsafe left.values.withUnsafeBufferPointer { left in
                unsafe right.values.withUnsafeBufferPointer { right in
                    var row = rows.lowerBound
                    while row < rows.upperBound {
                        let matrix = row / height
                        let end = min((matrix + 1) * height, rows.upperBound)
                        guard let target = sum.baseAddress, let a = left.baseAddress,
                            let b = right.baseAddress
                        else { return }
                        unsafe tenon_lowrank_add(
                            target + (row - rows.lowerBound) * columns, columns, a + row * rank, rank,
                            b + matrix * rank * columns, columns, end - row, columns, rank)
                        row = end
                    }
                }
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
