package import Tensors

/// One tensor of a safetensors file, as its header describes it.
package struct SafetensorsTensor: Hashable, Sendable {
    package let name: String
    package let dtype: DType
    package let shape: Shape
    /// Where its bytes lie, counted from the beginning of the file.
    package let range: Range<Int>

    package var byteCount: Int { range.count }
}

extension DType {
    /// Where safetensors places the type among its own, widest last, or nil for ours; its writer puts tensors in the
    /// falling order of this, so that every one is aligned.
    var safetensorsRank: Int? { Self.safetensorsOrder.firstIndex(of: self) }

    private static let safetensorsOrder: [DType] = [
        .bool, .f4, .f6e2m3, .f6e3m2, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .i16, .u16, .f16,
        .bf16, .i32, .u32, .f32, .c64, .f64, .i64, .u64,
    ]

    private static let safetensorsNames: [String: DType] = Dictionary(
        uniqueKeysWithValues: safetensorsOrder.map { ($0.name, $0) })

    /// The type of this name in a header; nil for names that safetensors does not know.
    init?(safetensorsName name: String) {
        guard let dtype = Self.safetensorsNames[name] else { return nil }
        self = dtype
    }
}
