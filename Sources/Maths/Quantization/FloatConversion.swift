import CKernels
import Diagnostics
import Tensors

extension TensorSource {
    /// Reads `count` elements from element `start` on into `work.values`, widened to fp32 without loss.
    func load(_ start: Int, _ count: Int, into work: inout Workspace) throws(Failure) {
        switch dtype {
        case .f32:
            try fill(&work.values, from: start * 4, count: count * 4)
        case .bf16:
            try fill(&work.halves, from: start * 2, count: count * 2)
            unsafe tenon_f32_from_bf16(work.halves, count, &work.values)
        case .f16:
            try fill(&work.halves, from: start * 2, count: count * 2)
            unsafe tenon_f32_from_f16(work.halves, count, &work.values)
        default:
            throw Failure(.internal, "a tensor of \(dtype.name) was to be read as floats")
        }
    }

    /// Overwrites the first `count` bytes of `array` with those from `offset` on.
    func fill<Element: BitwiseCopyable>(_ array: inout [Element], from offset: Int, count: Int) throws(Failure) {
        guard count > 0 else { return }
        var span = array.mutableSpan
        var bytes = unsafe span.mutableBytes
        var target = bytes._mutatingExtracting(first: count)
        try read(at: offset, into: &target)
    }
}

extension Workspace {
    /// Rounds the first `count` of `values` to `dtype` and leaves them in `result`.
    ///
    /// To nearest, ties to even; what lies beyond the largest finite number becomes that, for rounded scales may carry a
    /// value a little further than it was.
    mutating func store(_ count: Int, as dtype: DType) {
        unsafe tenon_clamp(&values, count, dtype.largest)
        unsafe result.withUnsafeMutableBytes { result in
            switch dtype {
            case .bf16:
                unsafe tenon_bf16_from_f32(values, count, result.baseAddress?.assumingMemoryBound(to: UInt16.self))
            case .f16:
                unsafe tenon_f16_from_f32(values, count, result.baseAddress?.assumingMemoryBound(to: UInt16.self))
            default:
                unsafe values.withUnsafeBytes { values in
                    unsafe result.copyMemory(from: UnsafeRawBufferPointer(rebasing: values[..<(count * 4)]))
                }
            }
        }
    }
}

extension DType {
    /// The largest finite number of the three float types that can be quantized.
    fileprivate var largest: Float {
        switch self {
        case .f16: 65504
        case .bf16: Float(bitPattern: 0x7F7F_0000)
        default: Float.greatestFiniteMagnitude
        }
    }
}
