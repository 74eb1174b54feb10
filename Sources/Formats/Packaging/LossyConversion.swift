import Adapters
package import Diagnostics
import CKernels
import Parallelism
import Quantization
import Synchronization
package import Tensors

/// What `pack` may do to factors on the way: only what was asked for, and measured.
package struct LossyConversion: Sendable {
    /// The dtype that floats are narrowed to; nil keeps theirs.
    package var dtype: DType?
    package var quantization: QuantizationScheme?

    package init(dtype: DType? = nil, quantization: QuantizationScheme? = nil) {
        self.dtype = dtype
        self.quantization = quantization
    }

    package var isLossless: Bool { dtype == nil && quantization == nil }
}

/// A tensor of fp32 read as bf16 or fp16, rounded to nearest, ties to even.
struct NarrowedTensor: TensorSource {
    let original: any TensorSource
    let dtype: DType

    var shape: Shape { original.shape }
    var byteCount: Int { original.byteCount / 2 }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        // Whole elements around the range asked for; a range that begins or ends within one is cut out.
        let first = offset / 2
        let last = (offset + target.byteCount + 1) / 2
        let wide = try original.read(at: first * 4, count: (last - first) * 4)
        var narrow = [UInt16](repeating: 0, count: last - first)
        unsafe wide.withUnsafeBytes { wide in
            let floats = unsafe wide.bindMemory(to: Float.self)
            switch dtype {
            case .bf16: unsafe tenon_bf16_from_f32(floats.baseAddress, floats.count, &narrow)
            default: unsafe tenon_f16_from_f32(floats.baseAddress, floats.count, &narrow)
            }
        }
        let bytes = unsafe narrow.span.bytes
        target.copy(from: bytes.extracting(droppingFirst: offset - first * 2).extracting(first: target.byteCount))
    }
}
