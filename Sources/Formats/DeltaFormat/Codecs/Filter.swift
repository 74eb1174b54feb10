package import Tensors

/// How a chunk is cut into planes before each is coded: size-preserving and reversible.
package enum Filter: UInt8, Sendable, CaseIterable {
    /// One plane: the bytes as they lie.
    case none = 0
    /// As many planes as an element has bytes: plane k holds byte k of each.
    case bytes = 1
    /// Two planes of floats whose bits are rotated left by one: the top bytes (exponents), and the rest as it lies.
    case exponent = 2

    /// Whether tensors of `dtype` can be filtered so.
    package func applies(to dtype: DType) -> Bool {
        switch self {
        case .none: true
        case .bytes: (dtype.width ?? 1) > 1
        case .exponent: dtype.isFloat
        }
    }

    package func planeCount(_ dtype: DType) -> Int {
        switch self {
        case .none: 1
        case .bytes: dtype.width ?? 1
        case .exponent: 2
        }
    }

    /// How long plane `plane` of a chunk of `byteCount` bytes is.
    package func planeBytes(_ plane: Int, of byteCount: Int, dtype: DType) -> Int {
        let elements = byteCount / (dtype.width ?? 1)
        return switch self {
        case .none: byteCount
        case .bytes: elements
        case .exponent: plane == 0 ? elements : byteCount - elements
        }
    }
}
