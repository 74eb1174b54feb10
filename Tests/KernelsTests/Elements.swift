import CKernels
import Testing

/// What the kernels call a kind, by its definition.
struct Kind: Sendable, CustomTestStringConvertible {
    let id: Int32
    let width: Int
    let isFloat: Bool
    /// The lowest bit of the exponent and how many it has, where the kind `exact` orders by it.
    let exponent: (shift: UInt64, bits: UInt64)?
    let testDescription: String

    private init(_ id: Int, _ name: String, width: Int, isFloat: Bool, exponent: (UInt64, UInt64)? = nil) {
        self.id = Int32(id)
        self.width = width
        self.isFloat = isFloat
        self.exponent = exponent
        testDescription = name
    }

    static let bf16 = Kind(TENON_BF16, "bf16", width: 2, isFloat: true, exponent: (7, 8))
    static let all = [
        bf16,
        Kind(TENON_F16, "f16", width: 2, isFloat: true, exponent: (10, 5)),
        Kind(TENON_F32, "f32", width: 4, isFloat: true, exponent: (23, 8)),
        Kind(TENON_F64, "f64", width: 8, isFloat: true),
        Kind(TENON_PLAIN8, "plain8", width: 1, isFloat: false),
        Kind(TENON_PLAIN16, "plain16", width: 2, isFloat: false),
        Kind(TENON_PLAIN32, "plain32", width: 4, isFloat: false),
        Kind(TENON_PLAIN64, "plain64", width: 8, isFloat: false),
    ]

    private var mask: UInt64 { .max >> UInt64(64 - 8 * width) }
    private var top: UInt64 { 1 << UInt64(8 * width - 1) }

    func bytes(_ elements: [UInt64]) -> [UInt8] {
        elements.flatMap { element in (0..<width).map { UInt8(truncatingIfNeeded: element >> UInt64(8 * $0)) } }
    }

    func elements(_ bytes: [UInt8]) -> [UInt64] {
        stride(from: 0, to: bytes.count, by: width).map { at in
            (0..<width).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
        }
    }

    /// The zig-zag difference as Spec/arithmetic.md defines it.
    func difference(_ base: UInt64, _ tuned: UInt64) -> UInt64 {
        let change = (ordered(tuned) &- ordered(base)) & mask
        return (change << 1 & mask) ^ (change & top != 0 ? mask : 0)
    }

    private func ordered(_ bits: UInt64) -> UInt64 {
        guard isFloat else { return bits }
        return bits & top != 0 ? ~bits & mask : bits | top
    }

    func bucket(_ base: UInt64) -> Int {
        guard let exponent else { return 0 }
        return Int(base >> exponent.shift & (1 << exponent.bits - 1))
    }

    /// Elements and small, large and no changes of them; among both the least, the greatest, NaN and infinities.
    func samples(_ count: Int, changed: UInt64, _ random: inout some RandomNumberGenerator) -> ([UInt64], [UInt64]) {
        let edges: [UInt64] = [
            0, top, mask, top &- 1, 0x7f80, 0xff80, 0x7fc1, 0x7c00, 0x7c01, 0x7f80_0000, 0xffc0_0001,
        ]
        func any() -> UInt64 {
            random.next() % 8 == 0 ? edges[Int(random.next() % UInt64(edges.count))] & mask : random.next() & mask
        }
        let base = (0..<count).map { _ in any() }
        let tuned = base.map { element in
            guard random.next() % 256 < changed else { return element }
            return random.next() % 4 == 0 ? any() : (element &+ random.next() % 7 &- 3) & mask
        }
        return (base, tuned)
    }
}
