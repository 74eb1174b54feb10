import Diagnostics

/// Methods whose result is a combination of the changes themselves.
extension AdapterMergeMethod {
    static let cat = AdapterMergeMethod(
        "cat", "factors one beside the other", without: [.rank], .concatenation)

    static let linear = AdapterMergeMethod("linear", "Σ w·D", weighted)

    static let svd = AdapterMergeMethod("svd", "Σ w·D, cut to the largest rank of the adapters", weighted)

    private static let weighted = Way.coefficients { _, mixture throws(Failure) in mixture.weights }

    static let slerp = AdapterMergeMethod(
        "slerp", "Shoemake, Animating rotation with quaternion curves, 1985", count: 2...2,
        .coefficients { gram, mixture throws(Failure) in
            let t = mixture.weights[1] / (try mixture.weightSum())
            let cosine = gram.cosine(0, 1, least: 1e-8)
            return cosine.magnitude > 0.9995 ? [1 - t, t] : GreatCircle.factors(t, cosine: cosine)
        })

    static let karcher = AdapterMergeMethod(
        "karcher", "Karcher, Riemannian center of mass, 1977", takes: [.maxIter, .tol],
        .coefficients { gram, mixture throws(Failure) in
            let sum = try mixture.weightSum()
            guard gram.count > 1 else { return [1] }
            let there = (0..<gram.count).filter { gram.norm($0) > 0 }
            let share = there.reduce(0) { $0 + mixture.weights[$1] }
            guard there.isEmpty || share.magnitude >= 1e-8 else {
                throw Failure(
                    .usage, "the weights of those adapters that change this module sum to zero", object: mixture.module)
            }
            return KarcherMean.factors(
                of: gram, weights: mixture.weights.map { $0 / sum }, rounds: mixture.options.rounds,
                tolerance: mixture.options.tolerance)
        })

    static let modelStock = AdapterMergeMethod(
        "model-stock", "Jang et al., Model Stock, 2024", count: 2...Int.max, without: [.weights],
        .coefficients { gram, _ throws(Failure) in ModelStock.factors(of: gram) })
}
