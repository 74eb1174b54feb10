import Diagnostics

/// Σ w·W, divided by Σ w: Wortsman et al., Model soups, 2022.
struct Linear: MergeMethod {
    let word = "linear"
    let base = BaseNeed.member
    let modelCount = 1...Int.max
    let settings = [MergeSetting("weight", .model, nil), MergeSetting("normalize", .tensor, true)]

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let weights = try values("weight", of: tensor)
        let sum = weights.reduce(0, +)
        guard try flag("normalize", in: tensor.values) else { return Sum(factors: weights.map(Float.init), divisor: 1) }
        guard abs(sum) >= 1e-8 else {
            throw Failure(
                .recipeInvalid, "the weights sum to zero", object: tensor.name,
                hint: "normalize: false adds the models as their weights say")
        }
        return Sum(factors: weights.map(Float.init), divisor: Float(sum))
    }

    private struct Sum: DirectMerger {
        let factors: [Float]
        let divisor: Float

        func merge(_ block: MergeBlock) {
            block.fill(.result, 0)
            for (vector, factor) in zip(block.inputVectors, factors) { block.add(vector, times: factor, to: .result) }
            if divisor != 1 { block.divide(.result, by: divisor) }
        }
    }
}

/// The only model, or a multiple of it.
struct Passthrough: MergeMethod {
    let word = "passthrough"
    let base = BaseNeed.member
    let modelCount = 1...1
    let settings = [MergeSetting("scale", .model, 1)]

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        Copy(factor: Float(try values("scale", of: tensor).first ?? 1))
    }

    private struct Copy: DirectMerger {
        let factor: Float

        func merge(_ block: MergeBlock) {
            block.copy(.input(0), to: .result)
            if factor != 1 { block.scale(.result, by: factor) }
        }
    }
}
