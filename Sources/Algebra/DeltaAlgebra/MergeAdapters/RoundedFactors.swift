import Diagnostics
import LinearAlgebra
import Tensors

/// B and A rounded once, to the dtype that is stored.
struct RoundedFactors: Sendable {
    /// A, [r, in].
    let a: TensorBuffer
    /// B, [out, r].
    let b: TensorBuffer
    var rank: Int { a.shape.dimensions[0] }
    var byteCount: Int { a.bytes.count + b.bytes.count }

    /// Throws ``Failure/Code/notFinite`` where the dtype cannot hold an element.
    init(_ factors: FactorPair, dtype: DType) throws(Failure) {
        a = try Self.rounded(factors.a, dtype)
        b = try Self.rounded(factors.b.transposed, dtype)
    }

    /// What the stored numbers say.
    var meaning: FactorPair { FactorPair(a: Self.widened(a), b: Self.widened(b).transposed) }

    private static func rounded(_ matrix: RealMatrix, _ dtype: DType) throws(Failure) -> TensorBuffer {
        let values = matrix.values.map { dtype == .f32 ? Float($0) : $0.roundedToOdd }
        let shape = Shape([matrix.rows, matrix.columns])
        var bytes = [UInt8](repeating: 0, count: try shape.byteCount(dtype))
        unsafe values.withUnsafeBufferPointer { values in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe FloatElements.narrow(values, to: dtype, into: bytes)
            }
        }
        let tensor = try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)
        guard widened(tensor).values.allSatisfy(\.isFinite) else {
            throw Failure(
                .notFinite, "a factor does not fit \(dtype.name)",
                hint: dtype == .f32 ? "make the weights smaller" : "--dtype f32 holds more")
        }
        return tensor
    }

    private static func widened(_ tensor: TensorBuffer) -> RealMatrix {
        let (rows, columns) = (tensor.shape.dimensions[0], tensor.shape.dimensions[1])
        var values = [Float](repeating: 0, count: rows * columns)
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe tensor.bytes.withUnsafeBytes { bytes in
                unsafe FloatElements.widen(bytes, tensor.dtype, into: values)
            }
        }
        return RealMatrix(rows: rows, columns: columns, values.map(Double.init))
    }
}

extension Double {
    /// As fp32, towards zero, then the last bit set if that lost anything: rounding it again to fewer bits is as one rounding.
    var roundedToOdd: Float {
        let nearest = Float(self)
        guard nearest.isFinite else { return self > 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude }
        guard Double(nearest) != self else { return nearest }
        let isBeyond = Double(nearest).magnitude > magnitude
        return Float(bitPattern: (isBeyond ? nearest.bitPattern - 1 : nearest.bitPattern) | 1)
    }
}
