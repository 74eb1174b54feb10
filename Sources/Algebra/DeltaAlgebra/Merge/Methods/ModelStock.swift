import Diagnostics

/// Between the base and the mean of the models, as far as the angles between them say: Jang et al., Model Stock, 2024.
struct ModelStock: MergeMethod {
    let word = "model_stock"
    let base = BaseNeed.required
    let modelCount = 2...Int.max
    let settings = [MergeSetting("filter_wise", .tensor, false)]
    let lacks = TensorLack.copiedFromBaseOrLeftOut

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let isByRow = try flag("filter_wise", in: tensor.values)
        return SpanMerger(isOfDifferences: true, layout: isByRow ? .rows : .whole, coefficients: Self.factors)
    }

    /// The same for every difference: the share of their mean, among them.
    static func factors(of gram: GramMatrix) -> [Double] {
        let count = Double(gram.count)
        var sum = 0.0
        for i in 0..<gram.count {
            for j in i + 1..<max(i + 1, gram.count) { sum += gram.cosine(i, j) }
        }
        let cosine = sum / (count * (count - 1) / 2)
        let divisor = 1 + (count - 1) * cosine
        let t = abs(divisor) < 1e-6 ? 0 : count * cosine / divisor
        return [Double](repeating: t / count, count: gram.count)
    }
}
