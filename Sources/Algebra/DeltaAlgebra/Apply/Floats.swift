import CKernels
import Diagnostics
import Tensors

/// The float types that deltas can be put onto.
enum FloatElements {
    static func canHold(_ dtype: DType) -> Bool { dtype == .bf16 || dtype == .f16 || dtype == .f32 }

    /// Widens `count` elements to fp32 without loss.
    static func widen(_ source: UnsafeRawBufferPointer, _ dtype: DType, into target: UnsafeMutableBufferPointer<Float>)
    {
        switch dtype {
        case .bf16:
            unsafe tenon_f32_from_bf16(
                source.baseAddress?.assumingMemoryBound(to: UInt16.self), target.count, target.baseAddress)
        case .f16:
            unsafe tenon_f32_from_f16(
                source.baseAddress?.assumingMemoryBound(to: UInt16.self), target.count, target.baseAddress)
        default: unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
        }
    }

    /// Rounds to nearest, ties to even.
    static func narrow(
        _ source: UnsafeBufferPointer<Float>, to dtype: DType, into target: UnsafeMutableRawBufferPointer
    ) {
        switch dtype {
        case .bf16:
            unsafe tenon_bf16_from_f32(
                source.baseAddress, source.count, target.baseAddress?.assumingMemoryBound(to: UInt16.self))
        case .f16:
            unsafe tenon_f16_from_f32(
                source.baseAddress, source.count, target.baseAddress?.assumingMemoryBound(to: UInt16.self))
        default: unsafe target.copyMemory(from: UnsafeRawBufferPointer(source))
        }
    }
}

/// A float tensor in another float type.
struct ConvertedTensor: TensorSource {
    let original: any TensorSource
    let dtype: DType
    private let elementCount: Int

    /// Both types must be floats that ``FloatElements`` can hold.
    init(_ original: any TensorSource, to dtype: DType) {
        self.original = original
        self.dtype = dtype
        elementCount = original.byteCount / ((original.dtype.width ?? 1))
    }

    var shape: Shape { original.shape }
    var byteCount: Int { elementCount * (dtype.width ?? 1) }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let width = dtype.width ?? 1
        let wide = original.dtype.width ?? 1
        let first = offset / width
        let end = (offset + target.byteCount + width - 1) / width
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            try WindowScratch.with { scratch throws(Failure) in
                let source = try unsafe original.read(first * wide..<end * wide, into: scratch.base)
                let floats = unsafe scratch.first.floats(end - first)
                unsafe FloatElements.widen(UnsafeRawBufferPointer(source), original.dtype, into: floats)
                let narrow = unsafe scratch.second.bytes((end - first) * width)
                unsafe FloatElements.narrow(UnsafeBufferPointer(floats), to: dtype, into: narrow)
                let skip = offset - first * width
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: UnsafeRawBufferPointer(narrow)[skip..<skip + target.count]))
            }
        }
    }
}

extension ScratchBuffer {
    /// Room for `count` floats.
    func floats(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        unsafe bytes(count * 4).assumingMemoryBound(to: Float.self)
    }
}
