package import Diagnostics
package import Tensors

/// How a float tensor becomes small codes and a few scales.
///
/// The tensor is taken row by row as one long list and cut into blocks of 64 elements; each block has a scale.
///
/// - int8: `scale = max|w| / 127`, `code = round(w / scale)` with ties to even, `ŵ = code · scale`. A block of zeros has
///   the scale 0.
/// - NF4 (QLoRA, Dettmers et al. 2023, §3): `scale = max|w|`, `code` the nearest of 16 quantiles of a normal
///   distribution to `w / scale`, `ŵ = codebook[code] · scale`; as bitsandbytes does it, to the bit.
/// - NF4 with double quantization (same paper): the scales are quantized in turn, in blocks of 256. With `offset` the
///   mean of all scales and `outer = max|scale - offset|`, a scale's code is the nearest entry of a 256-entry dynamic
///   map (``DynamicMap``) to `(scale - offset) / outer`, and `scale ≈ map[code] · outer + offset`.
///
/// All arithmetic is in fp32, one rounding an operation; only the mean is summed in fp64.
package enum QuantizationScheme: String, Sendable, CaseIterable {
    case int8
    case nf4
    case nf4Double = "nf4-double"

    /// Elements that share a scale.
    package static let blockElements = 64
    /// Scales that share an outer scale.
    package static let outerBlockScales = 256

    /// What one code is.
    package var codeType: DType { self == .int8 ? .i8 : .nf4 }
    package var isDouble: Bool { self == .nf4Double }
    /// What a scale is stored as: itself, or the code it has in turn.
    package var scaleType: DType { isDouble ? .u8 : .f32 }

    /// How many scales a tensor of `elements` has.
    package static func scaleCount(elements: Int) -> Int {
        elements / blockElements + (elements % blockElements).signum()
    }

    /// How many outer scales a tensor of `elements` has; they are there only with double quantization.
    package static func outerScaleCount(elements: Int) -> Int {
        elements / unitElements + (elements % unitElements).signum()
    }

    /// What one outer scale covers: the unit of work, so that every part of it is computed from the same elements.
    static let unitElements = blockElements * outerBlockScales
}

/// What beside the tensors is needed to undo a quantization.
package struct QuantizationParameters: Hashable, Sendable {
    package let scheme: QuantizationScheme
    /// What the tensor was before, and is again after.
    package let dtype: DType
    /// The mean of the scales: what was taken from each before it was quantized in turn; else 0.
    package let offset: Float

    /// Throws ``Failure/Code/quantizationParameter`` for a type that cannot be quantized, and an offset that is not
    /// finite or has no meaning in the scheme.
    package init(scheme: QuantizationScheme, dtype: DType, offset: Float = 0) throws(Failure) {
        guard Self.types.contains(dtype) else {
            throw Failure(
                .quantizationParameter, "a tensor of this type cannot be quantized", expected: "F32, BF16 or F16",
                actual: dtype.name)
        }
        guard offset.isFinite, scheme.isDouble || offset == 0 else {
            throw Failure(
                .quantizationParameter, "the offset \(offset) of the scales has no meaning as \(scheme.rawValue)")
        }
        self.scheme = scheme
        self.dtype = dtype
        self.offset = offset
    }

    /// The types that can be quantized.
    package static let types: [DType] = [.f32, .bf16, .f16]
}
