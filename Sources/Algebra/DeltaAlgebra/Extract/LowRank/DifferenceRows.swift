import CKernels
import Diagnostics
import LinearAlgebra
import Tensors

/// D = W' − W in fp32, by rows.
struct DifferenceRows: RowBlocks {
    let name: String
    let base: any TensorSource
    let tuned: any TensorSource
    let rows: Int
    let columns: Int
    private let widths: (base: Int, tuned: Int)

    init(_ target: LowRankTarget) throws(Failure) {
        let shape = target.base.shape
        guard shape == target.tuned.shape, shape.rank >= 2 else {
            throw Failure(
                .internal, "no matrix can be made of tensors of \(shape) and \(target.tuned.shape)", object: target.name
            )
        }
        guard FloatElements.canHold(target.base.dtype), FloatElements.canHold(target.tuned.dtype),
            let width = target.base.dtype.width, let tunedWidth = target.tuned.dtype.width
        else {
            throw Failure(
                .internal, "no difference is taken of \(target.base.dtype.name) and \(target.tuned.dtype.name)",
                object: target.name)
        }
        name = target.name
        base = target.base
        tuned = target.tuned
        rows = shape.dimensions[0]
        columns = rows == 0 ? 0 : try shape.elementCount() / rows
        widths = (width, tunedWidth)
    }

    func load(
        _ range: Range<Int>, scale: Float, into block: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) -> Double {
        let sum = try WindowScratch.with { scratch throws(Failure) in
            try unsafe load(range, scale: scale, into: block, scratch)
        }
        guard sum.isFinite else {
            throw Failure(
                .kindShape, "the change of a tensor has elements that are not finite", object: name,
                hint: "extract it without loss: --kind exact")
        }
        return sum
    }

    private func load(
        _ range: Range<Int>, scale: Float, into block: UnsafeMutableBufferPointer<Float>, _ scratch: WindowScratch
    ) throws(Failure) -> Double {
        let elements = range.lowerBound * columns..<range.upperBound * columns
        let from = try unsafe base.read(
            elements.lowerBound * widths.base..<elements.upperBound * widths.base, into: scratch.base)
        let to = try unsafe tuned.read(
            elements.lowerBound * widths.tuned..<elements.upperBound * widths.tuned, into: scratch.tuned)
        let before = unsafe scratch.first.floats(columns)
        let after = unsafe scratch.second.floats(columns)
        let height = Int(TENON_TILE_ROWS)
        let padded = columns.paddedToTile
        var sum = 0.0
        for row in 0..<range.count {
            unsafe widen(from, row, widths.base, base.dtype, into: before)
            unsafe widen(to, row, widths.tuned, tuned.dtype, into: after)
            let place = row / height * height * padded + row % height * Int(TENON_TILE_COLUMNS)
            sum += unsafe tenon_tile_difference(
                before.baseAddress, after.baseAddress, columns, scale, block.baseAddress?.advanced(by: place))
        }
        return sum
    }

    private func widen(
        _ bytes: UnsafeMutableRawBufferPointer, _ row: Int, _ width: Int, _ dtype: DType,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        let range = row * columns * width..<(row + 1) * columns * width
        unsafe FloatElements.widen(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range]), dtype, into: target)
    }
}
