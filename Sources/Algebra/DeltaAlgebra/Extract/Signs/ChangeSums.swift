import CKernels
import Diagnostics
import LinearAlgebra
import Parallelism
import Tensors

/// Sums over the change D = W′ − W of a tensor, taken in one pass: what its signs need, and its power.
struct ChangeSums: Sendable {
    /// Σ |D| of each row: the first dimension against all others.
    let magnitudes: [Double]
    /// Elements of a row.
    let columns: Int
    /// ‖D‖²; not finite where an element of D is not.
    let power: Double

    var rows: Int { magnitudes.count }
    var elementCount: Int { rows * columns }

    /// - Parameters:
    ///   - base: Of bf16, fp16 or fp32, and of one dimension or more.
    ///   - tuned: Of the same type and shape.
    static func take(of base: any TensorSource, _ tuned: any TensorSource, lanes: Lanes) throws(Failure) -> ChangeSums {
        let rows = base.shape.dimensions.first ?? 1
        let columns = rows == 0 ? 0 : try base.shape.elementCount() / rows
        let blockRows = max(1, (1 << 16) / max(1, columns))
        let blocks = (rows + blockRows - 1) / blockRows
        let magnitudes = SharedBuffer<Double>(count: rows)
        let squares = SharedBuffer<Double>(count: rows)
        try lanes.forEach(blocks) { _, block throws(Failure) in
            let range = block * blockRows..<min((block + 1) * blockRows, rows)
            try WindowScratch.with { scratch throws(Failure) in
                let change = try unsafe WidenedPair(
                    base, tuned, range.lowerBound * columns..<range.upperBound * columns, scratch)
                for row in range {
                    let start = (row - range.lowerBound) * columns
                    let sums = unsafe tenon_sum_signs(
                        change.base.baseAddress?.advanced(by: start), change.tuned.baseAddress?.advanced(by: start),
                        columns)
                    unsafe magnitudes.elements[row] = sums.magnitude
                    unsafe squares.elements[row] = sums.square
                }
            }
        }
        return unsafe ChangeSums(
            magnitudes: Array(magnitudes.elements), columns: columns, power: squares.elements.reduce(0, +))
    }
}

/// Some elements of a tensor and of its tuned form in fp32, in a lane's scratch memory.
@unsafe struct WidenedPair {
    let base: UnsafeMutableBufferPointer<Float>
    let tuned: UnsafeMutableBufferPointer<Float>

    init(
        _ base: any TensorSource, _ tuned: any TensorSource, _ elements: Range<Int>, _ scratch: WindowScratch
    ) throws(Failure) {
        unsafe self.base = try Self.widen(base, elements, scratch.base, into: scratch.first)
        unsafe self.tuned = try Self.widen(tuned, elements, scratch.tuned, into: scratch.second)
    }

    private static func widen(
        _ source: any TensorSource, _ elements: Range<Int>, _ room: ScratchBuffer, into target: ScratchBuffer
    ) throws(Failure) -> UnsafeMutableBufferPointer<Float> {
        let width = source.dtype.width ?? 1
        let bytes = try unsafe source.read(elements.lowerBound * width..<elements.upperBound * width, into: room)
        let floats = unsafe target.floats(elements.count)
        unsafe FloatElements.widen(UnsafeRawBufferPointer(bytes), source.dtype, into: floats)
        return unsafe floats
    }
}
