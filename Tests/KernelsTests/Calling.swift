import CKernels
import Testing

/// Suites that compare bodies. The limit on instruction sets is the process's, so their tests take turns. Those of other
/// modules may move it meanwhile; then a body goes untested in that run, but no result changes.
@Suite("Bodies of the kernels", .serialized) enum Bodies {}

/// The levels a test walks through. One above what the processor has is the processor's own.
let limits = [TENON_SIMD_PORTABLE, TENON_SIMD_NEON, TENON_SIMD_AVX2, TENON_SIMD_AVX512]

/// Every count of left-over elements after whole vectors, and some around blocks.
let counts = Array(0...140) + [199, 255, 256, 257, 511, 512, 513, 1030]

func limited<Result>(to limit: Int, _ body: () -> Result) -> Result {
    tenon_simd_limit(Int32(limit))
    defer { tenon_simd_limit(Int32(TENON_SIMD_AVX512)) }
    return body()
}

/// What `body` writes to `count` bytes, one byte off an aligned address. The bytes around them must stay.
func written(_ count: Int, _ body: (UnsafeMutableRawPointer?) -> Void) -> [UInt8] {
    var space = [UInt8](repeating: 0xcc, count: count + 2)
    unsafe space.withUnsafeMutableBytes { unsafe body($0.baseAddress?.advanced(by: 1)) }
    #expect(space.first == 0xcc && space.last == 0xcc, "written beyond \(count) bytes")
    return Array(space.dropFirst().dropLast())
}

/// The bytes one off an aligned address.
func shifted<Result>(_ bytes: [UInt8], _ body: (UnsafeRawPointer?) -> Result) -> Result {
    let space = [0] + bytes
    return unsafe space.withUnsafeBytes { unsafe body($0.baseAddress?.advanced(by: 1)) }
}

/// The bits, but one pattern for all NaN, for what leaves open which.
func comparable(_ value: Float) -> UInt32 {
    value.isNaN ? 0x7fc0_0000 : value.bitPattern
}

extension RandomNumberGenerator {
    /// Mostly around one, sometimes any bits at all, or a zero.
    mutating func float() -> Float {
        switch next() % 16 {
        case 0: Float(bitPattern: UInt32(truncatingIfNeeded: next()))
        case 1: next() % 2 == 0 ? 0 : -0.0
        case 2: Float(bitPattern: UInt32(truncatingIfNeeded: next() & 0x807f_ffff))
        default: Float.random(in: -2...2, using: &self)
        }
    }
}
