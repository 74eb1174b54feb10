import CKernels
package import Diagnostics
package import Tensors

/// What leads from one tensor to another of its type and shape, element by element.
package struct PlainDifference: TensorSource {
    let base: any TensorSource
    let tuned: any TensorSource
    private let kind: ElementKind

    package init(base: any TensorSource, tuned: any TensorSource) {
        self.base = base
        self.tuned = tuned
        kind = ElementKind(tuned.dtype)
    }

    package var dtype: DType { kind.difference }
    package var shape: Shape { tuned.shape }
    package var byteCount: Int { tuned.byteCount }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try unsafe target.fill(from: offset, base, tuned) { before, after, byteCount, target in
            unsafe tenon_difference(kind.code, before, after, byteCount / kind.width, target)
        }
    }
}

/// A tensor with a plain difference put onto it.
package struct CorrectedTensor: TensorSource {
    private let base: any TensorSource
    private let difference: any TensorSource
    private let kind: ElementKind

    package init(base: any TensorSource, difference: any TensorSource) throws(Failure) {
        self.base = base
        self.difference = difference
        kind = ElementKind(base.dtype)
        guard difference.dtype == kind.difference, difference.byteCount == base.byteCount else {
            throw Failure(
                .baseIncompatible, "the correction is not one of a tensor like the merged one",
                expected: "\(kind.difference.name) of \(base.byteCount) bytes",
                actual: "\(difference.dtype.name) of \(difference.byteCount)")
        }
    }

    package var dtype: DType { base.dtype }
    package var shape: Shape { base.shape }
    package var byteCount: Int { base.byteCount }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try unsafe target.fill(from: offset, base, difference) { before, coded, byteCount, target in
            unsafe tenon_add_difference(kind.code, before, coded, byteCount / kind.width, target)
        }
    }
}

extension MutableRawSpan {
    /// Fills it with what `compute` makes of the bytes from `offset` on of two tensors that are alike.
    fileprivate mutating func fill(
        from offset: Int, _ one: any TensorSource, _ other: any TensorSource,
        _ compute: (
            UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, _ byteCount: Int, UnsafeMutableRawPointer?
        ) -> Void
    ) throws(Failure) {
        let range = offset..<offset + byteCount
        try unsafe withUnsafeMutableBytes { target throws(Failure) in
            try WindowScratch.with { scratch throws(Failure) in
                let first = try unsafe one.read(range, into: scratch.base)
                let second = try unsafe other.read(range, into: scratch.tuned)
                unsafe compute(first.baseAddress, second.baseAddress, range.count, target.baseAddress)
            }
        }
    }
}
