import CKernels
package import Diagnostics
package import Tensors

/// A base's tensor with an exact difference put onto it.
package struct ExactTensor: TensorSource {
    let base: any TensorSource
    let difference: any TensorSource
    private let kind: ElementKind
    private let windows: Windows

    /// Throws ``Failure/Code/baseIncompatible`` where the difference is not one of such a tensor.
    package init(base: any TensorSource, difference: any TensorSource) throws(Failure) {
        self.base = base
        self.difference = difference
        kind = ElementKind(base.dtype)
        windows = Windows(byteCount: base.byteCount, size: kind.windowByteCount)
        guard difference.dtype == kind.difference, difference.byteCount == base.byteCount else {
            throw Failure(
                .baseIncompatible, "the difference is not one of a tensor like the base's",
                expected: "\(kind.difference.name) of \(base.byteCount) bytes",
                actual: "\(difference.dtype.name) of \(difference.byteCount)")
        }
    }

    package var dtype: DType { base.dtype }
    package var shape: Shape { base.shape }
    package var byteCount: Int { base.byteCount }
    package var blockByteCount: Int { kind.windowByteCount }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try unsafe windows.fill(&target, from: offset) { _, window, whole, scratch throws(Failure) in
            let before = try unsafe base.read(window, into: scratch.base)
            let coded = try unsafe difference.read(window, into: scratch.first)
            unsafe tenon_exact_decode(
                kind.code, before.baseAddress, coded.baseAddress, window.count / kind.width, whole.baseAddress, nil)
        }
    }
}
