import LinearAlgebra

/// Methods that keep some elements, on cores (after Panariello et al., Accurate and Efficient Low-Rank Model Merging in
/// Core Space, 2025).
extension AdapterMergeMethod {
    static let ties = AdapterMergeMethod(
        "ties", "Yadav et al., TIES-Merging, 2023", takes: [.density], thinned(elects: true, CoreMask.largest))

    static let magnitudePrune = AdapterMergeMethod(
        "magnitude-prune", "the largest elements of each, added", takes: [.density],
        thinned(elects: false, CoreMask.largest))

    static let dare = AdapterMergeMethod(
        "dare", "Yu et al., Language Models are Super Mario, 2023", takes: [.density, .seed],
        thinned(elects: false, CoreMask.random))

    static let dareTies = AdapterMergeMethod(
        "dare-ties", "Yu et al., 2023, with TIES", takes: [.density, .seed], thinned(elects: true, CoreMask.random))

    static let della = AdapterMergeMethod(
        "della", "Deep et al., DELLA-Merging, 2024", takes: [.density, .epsilon, .seed],
        thinned(elects: true, CoreMask.rankedRandom))

    static let dellaLinear = AdapterMergeMethod(
        "della-linear", "Deep et al., 2024, without election", takes: [.density, .epsilon, .seed],
        thinned(elects: false, CoreMask.rankedRandom))

    static let breadcrumbs = AdapterMergeMethod(
        "breadcrumbs", "Davari and Belilovsky, Model Breadcrumbs, 2023", takes: [.density, .gamma],
        thinned(elects: false, CoreMask.withoutOutliers))

    static let breadcrumbsTies = AdapterMergeMethod(
        "breadcrumbs-ties", "Davari and Belilovsky, 2023, with TIES", takes: [.density, .gamma],
        thinned(elects: true, CoreMask.withoutOutliers))

    static let sce = AdapterMergeMethod(
        "sce", "Wan et al., FuseChat, 2024", takes: [.selectTopk], without: [.weights],
        .cores { cores, mixture in
            let left = CoreMask.selected(cores, share: mixture.options.selectTopk)
            let squares = left.map { $0.dot($0) }
            let total = squares.reduce(0, +)
            let weights = squares.map { total > 0 ? $0 / total : 1 / Double(squares.count) }
            return Election.mean(
                left, votes: [Double](repeating: 1, count: left.count), weights: weights, leastDivisor: 0)
        })

    private static func thinned(
        elects: Bool, _ mask: @escaping @Sendable (RealMatrix, AdapterMergeOptions, String) -> RealMatrix
    ) -> Way {
        .cores { cores, mixture in
            let kept = cores.enumerated().map { number, core in
                mixture.options.density >= 1 ? core : mask(core, mixture.options, "\(mixture.module)\0\(number)")
            }
            if elects {
                return Election.mean(kept, votes: mixture.weights, weights: mixture.weights, leastDivisor: 1e-8)
            }
            var sum = RealMatrix(rows: cores[0].rows, columns: cores[0].columns)
            for (core, weight) in zip(kept, mixture.weights) { sum.add(weight, times: core) }
            return sum
        }
    }
}

/// Which sign an element gets, and the mean of those that have it.
enum Election {
    /// Per element Σ w_i·x_i / Σ w_i over those with v_i·x_i of the sign that Σ v_i·x_i has, 0 where that is 0; a divisor
    /// of at most `leastDivisor` is 1.
    static func mean(
        _ matrices: [RealMatrix], votes: [Double], weights: [Double], leastDivisor: Double
    ) -> RealMatrix {
        var result = RealMatrix(rows: matrices[0].rows, columns: matrices[0].columns)
        for place in result.values.indices {
            let votes = zip(matrices, votes).map { $0.values[place] * $1 }
            let sum = votes.reduce(0, +)
            guard sum != 0 else { continue }
            var (total, divisor) = (0.0, 0.0)
            for (number, vote) in votes.enumerated() where vote != 0 && (vote > 0) == (sum > 0) {
                total += weights[number] * matrices[number].values[place]
                divisor += weights[number]
            }
            let isNothing = leastDivisor == 0 ? divisor == 0 : divisor.magnitude < leastDivisor
            result.values[place] = total / (isNothing ? 1 : divisor)
        }
        return result
    }
}
