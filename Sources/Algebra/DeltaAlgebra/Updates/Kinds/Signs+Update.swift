import Adapters
import CKernels
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// ΔW = ±scale: plus where the bit is set (BitDelta: Liu et al. 2024).
    static let signs = UpdateBuilder { context throws(Failure) in
        let (rows, columns) = try bitmapSides(context)
        let weight = Float(context.weight)
        if weight == 0 { return [] }
        return [
            context.planned(context.target, .sum, rows: rows, columns: columns) { () throws(Failure) in
                let scales = try context.source(.scale).floats().map { weight * $0 }
                guard scales.count == 1 || scales.count == rows else {
                    throw Failure(.kindShape, "the scales fit neither tensor nor rows", actual: "\(scales.count)")
                }
                return .sum(
                    SignedScale(bits: try context.source(.bitmap).readAll(), scales: scales, columns: columns))
            }
        ]
    }
}

/// One scale, or one a row, with the sign of each element's bit.
struct SignedScale: SumUpdate {
    /// Of all elements of the tensor, the first in the lowest bit of the first byte.
    let bits: [UInt8]
    let scales: [Float]
    let columns: Int

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        precondition(bits.count >= (rows.upperBound * columns + 7) / 8 && sum.count >= rows.count * columns)
        unsafe sum.withUnsafeMutableBufferPointer { sum in
            unsafe bits.withUnsafeBufferPointer { bits in
                guard let bits = bits.baseAddress, let target = sum.baseAddress else { return }
                if scales.count == 1 {
                    unsafe tenon_add_signs(
                        bits, rows.lowerBound * columns, rows.count * columns, scales[0], target)
                    return
                }
                for row in rows {
                    unsafe tenon_add_signs(
                        bits, row * columns, columns, scales[row],
                        target + (row - rows.lowerBound) * columns)
                }
            }
        }
    }
}
