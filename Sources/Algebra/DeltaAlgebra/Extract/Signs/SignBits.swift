import CKernels
package import Diagnostics
package import Tensors

/// The bitmap of an entry of kind `signs`: a bit for every element, set where its change is not below zero.
///
/// Computed as it is read.
package struct SignBits: TensorSource {
    private let base: any TensorSource
    private let tuned: any TensorSource
    private let elementCount: Int

    /// Both are of bf16, fp16 or fp32, and of one shape.
    package init(base: any TensorSource, tuned: any TensorSource) {
        precondition(base.dtype == tuned.dtype && base.byteCount == tuned.byteCount)
        self.base = base
        self.tuned = tuned
        elementCount = base.byteCount / (base.dtype.width ?? 1)
    }

    package var dtype: DType { .bit }
    package var shape: Shape { tuned.shape }
    package var byteCount: Int { (elementCount + 7) / 8 }
    package var blockByteCount: Int { 1 << 16 }

    /// Bytes of bits that are made at once.
    private static let pieceBytes = 1 << 13

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            try WindowScratch.with { scratch throws(Failure) in
                for start in stride(from: 0, to: target.count, by: Self.pieceBytes) {
                    let piece = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: target[start..<min(start + Self.pieceBytes, target.count)])
                    let first = (offset + start) * 8
                    let elements = first..<min(first + piece.count * 8, elementCount)
                    let change = try unsafe WidenedPair(base, tuned, elements, scratch)
                    unsafe tenon_encode_signs(
                        change.base.baseAddress, change.tuned.baseAddress, elements.count,
                        piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
                }
            }
        }
    }
}
