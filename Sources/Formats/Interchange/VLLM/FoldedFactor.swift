import Diagnostics
import Synchronization
import Tensors

/// A factor times a number, rounded once to the factor's own type.
struct FoldedFactor: TensorSource {
    let original: any TensorSource
    let scale: Double
    let loss: FoldLoss

    /// Refuses with ``Failure/Code/notExportable`` a type that cannot be scaled.
    init(_ original: any TensorSource, scale: Double, loss: FoldLoss) throws(Failure) {
        guard original.dtype.isFloat else {
            throw Failure(.notExportable, "a factor of \(original.dtype.name) cannot take up a scale")
        }
        self.original = original
        self.scale = scale
        self.loss = loss
    }

    var dtype: DType { original.dtype }
    var shape: Shape { original.shape }
    var byteCount: Int { original.byteCount }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try original.read(at: offset, into: &target)
        let width = dtype.bits / 8
        guard offset % width == 0, target.byteCount % width == 0 else {
            throw Failure(.internal, "a folded factor was read in parts of elements")
        }
        var worst = 0.0
        for start in stride(from: 0, to: target.byteCount, by: width) {
            let bits = target.bytes.littleEndian(at: start, width: width)
            let value = dtype.double(of: bits)
            let wanted = value * scale
            let rounded = dtype.bits(of: wanted)
            let got = dtype.double(of: rounded)
            if wanted.isFinite, wanted != 0 { worst = max(worst, abs(got - wanted) / abs(wanted)) }
            target.setLittleEndian(rounded, at: start, width: width)
        }
        if worst > 0 { loss.note(worst) }
    }
}

/// The largest relative error that folding made, whoever reads what when.
final class FoldLoss: Sendable {
    private let worst = Mutex(0.0)

    var value: Double { worst.withLock { $0 } }

    func note(_ error: Double) { worst.withLock { $0 = max($0, error) } }
}

extension DType {
    /// The number that an element's bits stand for; floats alone.
    fileprivate func double(of bits: UInt64) -> Double {
        switch self {
        case .f64: Double(bitPattern: bits)
        case .f32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .bf16: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16))
        default: Self.half(UInt16(truncatingIfNeeded: bits))
        }
    }

    /// The bits of the element nearest to a number, ties to even; floats alone.
    fileprivate func bits(of value: Double) -> UInt64 {
        switch self {
        case .f64: value.bitPattern
        case .f32: UInt64(Float(value).bitPattern)
        case .bf16: UInt64(Self.narrow(value, fractionBits: 7, least: -126))
        default: UInt64(Self.narrow(value, fractionBits: 10, least: -14))
        }
    }

    private static func half(_ bits: UInt16) -> Double {
        let sign = bits & 0x8000 == 0 ? 1.0 : -1.0
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Double(bits & 0x3FF)
        return switch exponent {
        case 0: sign * fraction * 0x1p-24
        case 31: fraction == 0 ? sign * .infinity : .nan
        default: sign * (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
        }
    }

    /// A float of 16 bits with this many of fraction and this least exponent of normal numbers.
    private static func narrow(_ value: Double, fractionBits: Int, least: Int) -> UInt16 {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let infinity = UInt16(3 - 2 * least) << UInt16(fractionBits)
        if value.isNaN { return sign | infinity | 1 << UInt16(fractionBits - 1) }
        let magnitude = abs(value)
        // In units of the last place of the nearest number, or of the smallest where it is subnormal.
        let exponent = max(Int(magnitude.exponent), least)
        if exponent > 1 - least { return sign | infinity }
        let unit = Double(sign: .plus, exponent: fractionBits - exponent, significand: 1)
        let units = UInt16((magnitude * unit).rounded(.toNearestOrEven))
        // What is full carries into the exponent by itself, and from the largest into infinity.
        return sign | (UInt16(exponent - least) << UInt16(fractionBits) + units)
    }
}

extension RawSpan {
    fileprivate func littleEndian(at offset: Int, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in (0..<width).reversed() {
            value = value << 8 | UInt64(unsafe unsafeLoad(fromByteOffset: offset + index, as: UInt8.self))
        }
        return value
    }
}

extension MutableRawSpan {
    fileprivate mutating func setLittleEndian(_ value: UInt64, at offset: Int, width: Int) {
        for index in 0..<width {
            storeBytes(
                of: UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))), toByteOffset: offset + index,
                as: UInt8.self)
        }
    }
}
