import Diagnostics
import LinearAlgebra
import Tensors

/// B and A rounded once, to the dtype that is stored.
struct RoundedFactors: Sendable {
    /// A, [r, in].
    let a: TensorBuffer
    /// B, [out, r].
    let b: TensorBuffer
    /// What the stored numbers say.
    let meaning: FactorPair

    /// Throws ``Failure/Code/notFinite`` where the dtype cannot hold an element.
    init(_ factors: FactorPair, dtype: DType) throws(Failure) {
        let a = try Self.rounded(factors.a, dtype)
        let b = try Self.rounded(factors.b.transposed, dtype)
        self.a = a.tensor
        self.b = b.tensor
        meaning = FactorPair(a: a.meaning, b: b.meaning.transposed)
    }

    private static func rounded(
        _ matrix: RealMatrix, _ dtype: DType
    ) throws(Failure) -> (tensor: TensorBuffer, meaning: RealMatrix) {
        var values = matrix.values.map { dtype == .f32 ? Float($0) : $0.roundedToOdd }
        let shape = Shape([matrix.rows, matrix.columns])
        var bytes = [UInt8](repeating: 0, count: try shape.byteCount(dtype))
        unsafe values.withUnsafeMutableBufferPointer { values in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe FloatElements.narrow(UnsafeBufferPointer(values), to: dtype, into: bytes)
                unsafe FloatElements.widen(UnsafeRawBufferPointer(bytes), dtype, into: values)
            }
        }
        guard values.allSatisfy(\.isFinite) else {
            throw Failure(
                .notFinite, "a factor does not fit \(dtype.name)",
                hint: dtype == .f32 ? "make the weights smaller" : "--dtype f32 holds more")
        }
        return (
            try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes),
            RealMatrix(rows: matrix.rows, columns: matrix.columns, values.map(Double.init))
        )
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
