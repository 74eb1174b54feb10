/// What one element of a tensor is. Raw values are those of the container's tensor records (`Spec/format.md`).
package enum DType: UInt8, Sendable, CaseIterable {
    case bool = 1
    case u8 = 2
    case i8 = 3
    case u16 = 4
    case i16 = 5
    case u32 = 6
    case i32 = 7
    case u64 = 8
    case i64 = 9
    case f16 = 10
    case bf16 = 11
    case f32 = 12
    case f64 = 13
    case c64 = 14
    case f8e4m3 = 15
    case f8e5m2 = 16
    case f8e8m0 = 17
    case f8e4m3fnuz = 18
    case f8e5m2fnuz = 19
    case f6e2m3 = 20
    case f6e3m2 = 21
    case f4 = 22
    /// Four-bit NormalFloat codes, two a byte, the first in the high half; our own, no checkpoint has it.
    case nf4 = 23
    /// One bit an element, the first in the lowest bit; our own.
    case bit = 24

    package var bits: Int {
        switch self {
        case .bit: 1
        case .f4, .nf4: 4
        case .f6e2m3, .f6e3m2: 6
        case .bool, .u8, .i8, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: 8
        case .u16, .i16, .f16, .bf16: 16
        case .u32, .i32, .f32: 32
        case .u64, .i64, .f64, .c64: 64
        }
    }

    /// Whether a last partial byte is allowed; its unused bits are zero. The other sub-byte types must fill bytes.
    package var allowsPartialByte: Bool { self == .nf4 || self == .bit }

    /// Bytes of one element, or nil below a byte.
    package var width: Int? { bits % 8 == 0 ? bits / 8 : nil }

    package var isFloat: Bool {
        switch self {
        case .f16, .bf16, .f32, .f64: true
        default: false
        }
    }

    /// The name that safetensors gives it, or ours where it has none.
    package var name: String {
        switch self {
        case .bool: "BOOL"
        case .u8: "U8"
        case .i8: "I8"
        case .u16: "U16"
        case .i16: "I16"
        case .u32: "U32"
        case .i32: "I32"
        case .u64: "U64"
        case .i64: "I64"
        case .f16: "F16"
        case .bf16: "BF16"
        case .f32: "F32"
        case .f64: "F64"
        case .c64: "C64"
        case .f8e4m3: "F8_E4M3"
        case .f8e5m2: "F8_E5M2"
        case .f8e8m0: "F8_E8M0"
        case .f8e4m3fnuz: "F8_E4M3FNUZ"
        case .f8e5m2fnuz: "F8_E5M2FNUZ"
        case .f6e2m3: "F6_E2M3"
        case .f6e3m2: "F6_E3M2"
        case .f4: "F4"
        case .nf4: "NF4"
        case .bit: "BIT"
        }
    }

    package init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}
