import Diagnostics
import Tensors

/// A tensor of F64 in fp32, each element rounded once.
struct SingleTensor: TensorSource {
    private let original: any TensorSource
    /// Whether elements are rounded towards zero with what that loses kept in the last bit, so that rounding them again
    /// to fewer bits is as one rounding; else to the nearest, ties to even.
    private let roundsToOdd: Bool

    init(_ original: any TensorSource, roundsToOdd: Bool = false) {
        self.original = original
        self.roundsToOdd = roundsToOdd
    }

    let dtype = DType.f32
    var shape: Shape { original.shape }
    var byteCount: Int { original.byteCount / 2 }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let (first, end) = (offset / 4, (offset + target.byteCount + 3) / 4)
        let skip = offset - 4 * first
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            try WindowScratch.with { scratch throws(Failure) in
                let doubles = try unsafe original.read(8 * first..<8 * end, into: scratch.base)
                    .assumingMemoryBound(to: Double.self)
                let floats = unsafe scratch.first.floats(end - first)
                for index in 0..<end - first {
                    let value = unsafe doubles[index]
                    unsafe floats[index] = roundsToOdd && value.isFinite ? value.roundedToOdd : Float(value)
                }
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: UnsafeRawBufferPointer(floats)[skip..<skip + target.count]))
            }
        }
    }
}

extension TensorSource {
    /// As it is, or what F64 is merged as.
    var inSingle: any TensorSource { dtype == .f64 ? SingleTensor(self) : self }
}
