import CKernels
import Diagnostics
import Tensors

/// How the elements of a dtype are compared: floats in the order of their values, all others as plain integers
/// (`Spec/arithmetic.md`, "The exact difference").
struct ElementKind: Hashable, Sendable {
    /// The kernels' word for it.
    let code: Int32
    /// Bytes of an element.
    let width: Int
    /// Whether a window is ordered by the base's exponent.
    let isOrdered: Bool

    /// Nil for types whose elements are smaller than a byte: those are compared byte by byte.
    init(_ dtype: DType) {
        switch dtype {
        case .bf16: self.init(code: Int32(TENON_BF16), width: 2, isOrdered: true)
        case .f16: self.init(code: Int32(TENON_F16), width: 2, isOrdered: true)
        case .f32: self.init(code: Int32(TENON_F32), width: 4, isOrdered: true)
        case .f64: self.init(code: Int32(TENON_F64), width: 8, isOrdered: false)
        default:
            let width = dtype.width ?? 1
            let codes: [Int: Int] = [
                1: Int(TENON_PLAIN8), 2: Int(TENON_PLAIN16), 4: Int(TENON_PLAIN32), 8: Int(TENON_PLAIN64),
            ]
            self.init(code: Int32(codes[width] ?? Int(TENON_PLAIN8)), width: width, isOrdered: false)
        }
    }

    private init(code: Int32, width: Int, isOrdered: Bool) {
        self.code = code
        self.width = width
        self.isOrdered = isOrdered
    }

    /// The type of a difference: an unsigned integer as wide as the element.
    var difference: DType {
        switch width {
        case 1: .u8
        case 2: .u16
        case 4: .u32
        default: .u64
        }
    }

    /// Elements of a window; differences are ordered within it.
    static let windowElements = Int(TENON_WINDOW)

    var windowByteCount: Int { Self.windowElements * width }
}
