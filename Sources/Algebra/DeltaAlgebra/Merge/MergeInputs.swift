import Diagnostics
import Parallelism
import Tensors

/// The models' tensors that one merged tensor comes of, read in blocks.
package struct MergeInputs: Sendable {
    let tensor: TensorMerge
    let shape: Shape
    let count: Int
    /// Elements of a row: of the last dimension.
    let columns: Int
    private let blockElements: Int
    private let allowsUnusable: Bool

    /// Elements of a block, but for longer rows where rows must be whole: a few of them stay in a core's own cache.
    static let usualBlockElements = 1 << 15

    /// A row of them takes 4 MiB.
    static let mostColumns = 1 << 20

    /// - Parameter needsRows: Whether blocks consist of whole rows.
    init(_ tensor: TensorMerge, needsRows: Bool, allowsUnusable: Bool) throws(Failure) {
        self.tensor = tensor
        let models = (tensor.base.map { [$0] } ?? []) + tensor.inputs
        guard let first = models.first else {
            throw Failure(.recipeInvalid, "no model has a part in this tensor", object: tensor.name)
        }
        shape = first.source.shape
        for model in models {
            guard model.source.shape == shape else {
                throw Failure(
                    .modelsIncompatible, "the models have this tensor in different shapes", object: tensor.name,
                    path: model.model, expected: "\(shape) as in \(first.model)", actual: "\(model.source.shape)")
            }
            guard FloatElements.canHold(model.source.dtype) else {
                throw Failure(
                    .modelsIncompatible, "a tensor of \(model.source.dtype.name) cannot be merged",
                    object: tensor.name, path: model.model, expected: "F64, F32, F16 or BF16")
            }
        }
        count = first.source.byteCount / (first.source.dtype.width ?? 1)
        columns = max(1, shape.dimensions.last ?? 1)
        guard
            !needsRows || columns <= Self.mostColumns && count / max(1, shape.dimensions.first ?? 1) <= Self.mostColumns
        else {
            throw Failure(
                .tooLarge, "the rows of this tensor are too long for a method that looks at them whole",
                object: tensor.name, expected: "at most \(Self.mostColumns) elements", actual: "\(shape)")
        }
        blockElements =
            needsRows ? max(1, Self.usualBlockElements / columns) * columns : Self.usualBlockElements
        self.allowsUnusable = allowsUnusable
    }

    var blockCount: Int { (count + blockElements - 1) / blockElements }

    /// The number of the block that holds an element.
    func block(of element: Int) -> Int { element / blockElements }

    func elements(of block: Int) -> Range<Int> {
        block * blockElements..<min((block + 1) * blockElements, count)
    }

    /// Calls `body` with a block's elements.
    ///
    /// Throws ``Failure/Code/notFinite`` naming the model for an element that is infinite or NaN, unless those are
    /// allowed, and what reading throws.
    func withBlock<Result>(
        _ index: Int, _ body: (MergeBlock) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try MergeBlock.with { block throws(Failure) in
            block.begin(
                index: index, elements: elements(of: index), columns: columns, inputCount: tensor.inputs.count)
            let base = tensor.base.map { [($0, MergeBlock.Vector.base)] } ?? []
            let models = base + zip(tensor.inputs, block.inputVectors)
            for (model, vector) in models { try read(model, as: vector, block) }
            // What one model has no number for is nothing in any.
            for (_, vector) in models { block.putUnusable(vector, 0) }
            return try body(block)
        }
    }

    private func read(
        _ input: TensorMerge.Input, as vector: MergeBlock.Vector, _ block: MergeBlock
    ) throws(Failure) {
        try block.read(input.source, as: vector)
        guard !allowsUnusable else { return block.markUnusable(vector) }
        guard block.unusableCount(vector) == 0 else {
            throw Failure(
                .notFinite, "a model has an infinity or a NaN in this tensor", object: tensor.name, path: input.model,
                hint: "--allow-nan merges it all the same")
        }
    }
}
