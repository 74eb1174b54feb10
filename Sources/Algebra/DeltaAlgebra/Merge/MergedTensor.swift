package import Diagnostics
import Parallelism
package import Tensors

/// A tensor made of those of several models, computed as it is read.
///
/// What must be known of all of it comes first, in passes that the lanes share which come for its first blocks. Memory:
/// the models' elements of one block a lane.
package final class MergedTensor: TensorSource {
    package let dtype: DType
    package let byteCount: Int
    private let inputs: MergeInputs
    private let merger: any TensorMerger
    private let allowsUnusable: Bool
    private let preparation = SharedWork<any ElementMerger>()

    /// Throws ``Failure/Code/modelsIncompatible`` where the models' tensors differ in shape or are no floats.
    package init(_ tensor: TensorMerge, by method: any MergeMethod, dtype: DType, allowsUnusable: Bool) throws(Failure)
    {
        merger = try method.merger(of: tensor)
        inputs = try MergeInputs(tensor, needsRows: merger.needsRows, allowsUnusable: allowsUnusable)
        self.dtype = dtype
        self.allowsUnusable = allowsUnusable
        byteCount = try inputs.shape.byteCount(dtype)
    }

    package var shape: Shape { inputs.shape }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let prepared = try preparation.value { crew throws(Failure) in
            try merger.prepared(MergeCrew(inputs: inputs, crew: crew))
        }
        let width = dtype.width ?? 1
        let asked = offset..<offset + target.byteCount
        guard !asked.isEmpty else { return }
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            for index in inputs.block(of: asked.lowerBound / width)...inputs.block(of: (asked.upperBound - 1) / width) {
                try inputs.withBlock(index) { block throws(Failure) in
                    prepared.merge(block)
                    try check(block)
                    block.putUnusable(.result, .nan)
                    let elements = inputs.elements(of: index)
                    let held = elements.lowerBound * width..<elements.upperBound * width
                    let part = held.clamped(to: asked)
                    let bytes = unsafe UnsafeRawBufferPointer(
                        rebasing: block.rounded(to: dtype)[
                            part.lowerBound - held.lowerBound..<part.upperBound - held.lowerBound])
                    unsafe UnsafeMutableRawBufferPointer(
                        rebasing: target[part.lowerBound - offset..<part.upperBound - offset]
                    ).copyMemory(from: bytes)
                }
            }
        }
    }

    /// Throws ``Failure/Code/notFinite`` where numbers of the models became what is none, or would when rounded.
    private func check(_ block: MergeBlock) throws(Failure) {
        guard block.unusableCount(.result) > 0 || block.overflows(dtype) else { return }
        guard allowsUnusable else {
            throw Failure(
                .notFinite, "the merged tensor would have an infinity or a NaN", object: inputs.tensor.name,
                expected: "numbers that \(dtype.name) can hold",
                hint: "smaller weights, or another dtype; --allow-nan writes it all the same")
        }
    }
}
