import Adapters
package import Diagnostics
import JSON
package import Tensors

/// What a merge of adapters may be told; not every method has a use for it. Raw values are the options of the command line.
package enum AdapterMergeSetting: String, Sendable, CaseIterable {
    case weights, rank, density, epsilon, gamma
    case selectTopk = "select-topk"
    case maxIter = "max-iter"
    case tol, seed
    case majoritySignMethod = "majority-sign-method"
}

/// What a merge of adapters is told, beside the adapters and their weights: `Spec/merge.md`, "Adapters".
package struct AdapterMergeOptions: Sendable {
    /// Of every target; nil for what the method says.
    package var rank: Int?
    /// Of the factors.
    package var dtype = DType.f32
    /// The share of elements that are kept.
    package var density = 1.0
    /// DELLA: how far the chance of an element is from `density`.
    package var epsilon = 0.15
    /// Breadcrumbs: the share of the largest elements that are dropped.
    package var gamma = 0.01
    /// SCE: the share of elements that are selected.
    package var selectTopk = 1.0
    /// Karcher: how often the mean is improved, and the step that ends it.
    package var rounds = 10
    package var tolerance = 1e-5
    package var seed: UInt64 = 0
    /// Weights of single modules in place of those of the adapters; the first pattern that matches counts.
    package var patterns: [WeightPattern] = []
    package var baseCheck = BaseCheck.strict

    package init() {}

    /// Throws ``Failure/Code/usage`` for a number out of its range.
    func check(for settings: Set<AdapterMergeSetting>) throws(Failure) {
        try Self.expect("the rank", rank ?? 1, (rank ?? 1) >= 1, "at least 1")
        try Self.expect("density", density, density > 0 && density <= 1, "above 0, and at most 1")
        try Self.expect("gamma", gamma, (0...1).contains(gamma), "from 0 to 1")
        try Self.expect("select-topk", selectTopk, (0...1).contains(selectTopk), "from 0 to 1")
        try Self.expect("max-iter", rounds, rounds >= 0, "at least 0")
        try Self.expect("tol", tolerance, tolerance > 0 && tolerance.isFinite, "above 0")
        if rank != nil, !settings.contains(.rank) {
            throw Failure(
                .usage, "the method does not choose a rank", hint: "svd cuts the sum to one, and so does tenon resize")
        }
        guard settings.contains(.epsilon), density < 1 else { return }
        try Self.expect(
            "epsilon", epsilon, epsilon >= 0 && density - epsilon > 0 && density + epsilon < 1,
            "so little that density ± epsilon lie within 0 and 1")
    }

    private static func expect(_ name: String, _ value: some Any, _ isGood: Bool, _ range: String) throws(Failure) {
        guard isGood else {
            throw Failure(.usage, "\(name) is out of its range", expected: range, actual: "\(value)")
        }
    }
}

/// The weights of the modules whose paths a pattern matches, as a key of `rank_pattern` does.
package struct WeightPattern: Sendable {
    let key: String
    package let weights: [Double]

    /// Throws ``Failure/Code/configInvalid`` for what is no pattern.
    package init(_ key: String, weights: [Double]) throws(Failure) {
        _ = try ModulePattern(key)
        self.key = key
        self.weights = weights
    }

    func matches(_ path: String) throws(Failure) -> Bool { try ModulePattern(key).matches(path) }
}

extension AdapterMergeOptions {
    /// What was told otherwise than by default and made use of, for the lineage.
    func stated(_ settings: Set<AdapterMergeSetting>) -> [(key: String, value: JSONValue)] {
        let standard = AdapterMergeOptions()
        var stated: [(key: String, value: JSONValue)] = []
        func state(_ setting: AdapterMergeSetting, _ value: JSONValue, _ isUsual: Bool) {
            if !isUsual, settings.contains(setting) { stated.append((setting.rawValue, value)) }
        }
        if let rank { state(.rank, JSONValue(rank), false) }
        state(.density, JSONValue(density), density == standard.density)
        state(.epsilon, JSONValue(epsilon), epsilon == standard.epsilon)
        state(.gamma, JSONValue(gamma), gamma == standard.gamma)
        state(.selectTopk, JSONValue(selectTopk), selectTopk == standard.selectTopk)
        state(.tol, JSONValue(tolerance), tolerance == standard.tolerance)
        state(.maxIter, JSONValue(rounds), rounds == standard.rounds)
        state(.seed, JSONValue(seed), seed == standard.seed)
        for pattern in patterns {
            stated.append(("weights of \(pattern.key)", .array(pattern.weights.map { JSONValue($0) })))
        }
        return stated
    }
}
