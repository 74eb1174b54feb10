import Diagnostics
import Synchronization
import Tensors

/// A tensor of these values, rounded to `dtype`.
func tensor(_ values: [Float], _ dtype: DType = .f32, shape: Shape? = nil) throws -> TensorBuffer {
    var bytes: [UInt8] = []
    for value in values {
        let bits: UInt32
        switch dtype {
        case .bf16: bits = (value.bitPattern + 0x7FFF + (value.bitPattern >> 16 & 1)) >> 16
        case .f16: bits = UInt32(Float16(value).bitPattern)
        default: bits = value.bitPattern
        }
        for index in 0..<dtype.bits / 8 { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * UInt32(index)))) }
    }
    return try TensorBuffer(dtype: dtype, shape: shape ?? [values.count], bytes: bytes)
}

/// The values of a float tensor, widened.
func floats(_ source: any TensorSource) throws -> [Float] {
    let bytes = try source.readAll()
    let width = source.dtype.bits / 8
    return stride(from: 0, to: bytes.count, by: width).map { place in
        var bits: UInt32 = 0
        for index in 0..<width { bits |= UInt32(bytes[place + index]) << (8 * UInt32(index)) }
        return switch source.dtype {
        case .bf16: Float(bitPattern: bits << 16)
        case .f16: Float(Float16(bitPattern: UInt16(bits)))
        default: Float(bitPattern: bits)
        }
    }
}

/// The sequence of `Fixtures/quantization/generate.py`.
func sequence(_ count: Int, seed: UInt32 = 1) -> [Float] {
    var state = seed
    return (0..<count).map { index in
        state = 1_664_525 &* state &+ 1_013_904_223
        let power = Float(sign: .plus, exponent: index / 640 % 7 - 26, significand: 1)
        return Float(Int32(state >> 8) - (1 << 23)) * power
    }
}

/// FNV-1a in 64 bits: enough to tell a golden from what it is not.
func fingerprint(_ source: any TensorSource) throws -> UInt64 {
    try source.readAll().reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// A tensor that notes the largest piece that was asked of it.
final class WatchedTensor: TensorSource {
    let beneath: any TensorSource
    let largest = Atomic<Int>(0)
    init(_ beneath: any TensorSource) { self.beneath = beneath }
    var dtype: DType { beneath.dtype }
    var shape: Shape { beneath.shape }
    var byteCount: Int { beneath.byteCount }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        largest.max(target.byteCount, ordering: .relaxed)
        try beneath.read(at: offset, into: &target)
    }
}
