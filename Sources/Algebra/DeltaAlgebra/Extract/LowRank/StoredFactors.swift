import Diagnostics
import LinearAlgebra
import Parallelism
import Tensors

/// B = U·√S and A = √S·Vᵀ, balanced and rounded to the dtype that is stored.
struct StoredFactors {
    let rank: Int
    let b: TensorBuffer
    let a: TensorBuffer
    /// What the stored bytes say, in fp32.
    private let left: [Float]
    private let right: [Float]

    /// The first `rank` vectors of an approximation; `rank` is not zero.
    init(_ approximation: Approximation, rank: Int, dtype: DType) throws(Failure) {
        self.rank = rank
        let (rows, columns) = (approximation.left.rows, approximation.right.rows)
        let roots = approximation.values.prefix(rank).map { Float($0.squareRoot()) }
        var left = [Float](repeating: 0, count: rows * rank)
        for row in 0..<rows {
            for k in 0..<rank { left[row * rank + k] = approximation.left[row, k] * roots[k] }
        }
        var right = [Float](repeating: 0, count: rank * columns)
        for k in 0..<rank {
            for column in 0..<columns { right[k * columns + column] = approximation.right[column, k] * roots[k] }
        }
        b = try Self.rounded(&left, [rows, rank], dtype)
        a = try Self.rounded(&right, [rank, columns], dtype)
        self.left = left
        self.right = right
    }

    /// ‖D − B·A‖².
    func squaredDistance(to matrix: TiledMatrix, _ lanes: Lanes) throws(Failure) -> Double {
        try matrix.squaredDistance(left: left, right: right, rank: rank, lanes)
    }

    /// The values as they are stored; `values` become what that means.
    private static func rounded(_ values: inout [Float], _ shape: Shape, _ dtype: DType) throws(Failure) -> TensorBuffer
    {
        var bytes = [UInt8](repeating: 0, count: try shape.byteCount(dtype))
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe FloatElements.narrow(UnsafeBufferPointer(values), to: dtype, into: bytes)
                unsafe FloatElements.widen(UnsafeRawBufferPointer(bytes), dtype, into: values)
            }
        }
        return try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)
    }
}
