import Diagnostics
import LinearAlgebra
import Tensors

/// One target of several adapters.
struct TargetOfAdapters: Sendable {
    let name: String
    let module: String
    let form: FactorForm
    /// Of each adapter its products, mostly one, none where it lacks the target.
    let entries: [[LowRankEntry]]

    /// The ranks that the adapters have; 0 where one lacks it.
    var ranks: [Int] { entries.map { $0.reduce(0) { $0 + $1.rank } } }

    /// What working on it holds, in bytes.
    func memory(in work: TargetWork) -> Int {
        let total = ranks.reduce(0, +)
        let factors = total * (form.outputs + form.columns) * 8
        let core = min(total, form.outputs) * min(total, form.columns) * 8
        return switch work {
        case .factors: 4 * factors
        // The stacked factors, their bases and their vectors; then the cores, and what becomes of their sum.
        case .sum: 4 * factors + (entries.count + 5) * core
        // The cores as they are, turned, thinned, and twice stacked for the singular vectors of all.
        case .cores: 4 * factors + (6 * entries.count + 5) * core
        // Each product as it is and thinned, the places of its elements in their order, and the result.
        case .products: 4 * factors + (2 * entries.count + 4) * form.outputs * form.columns * 8
        }
    }

    func read() throws(Failure) -> [[ThinFactors]] {
        try entries.map { own throws(Failure) in try own.map { entry throws(Failure) in try entry.read() } }
    }
}

/// What a merge holds of a target beside its factors.
enum TargetWork: Sendable {
    case factors
    /// Every adapter's core, and one sum of them.
    case sum
    /// Every adapter's core several times.
    case cores
    /// Every adapter's change, whole.
    case products
}

extension AdapterMergeMethod {
    var work: TargetWork {
        switch way {
        case .concatenation: .factors
        case .coefficients: .sum
        case .cores: .cores
        }
    }
}

extension PEFTCombination {
    var work: TargetWork {
        switch way {
        case .concatenation, .factors: .factors
        case .product: word == "svd" ? .sum : .products
        }
    }
}

/// What a merge made of one target.
struct MergedTarget: Sendable {
    let target: TargetOfAdapters
    /// Nil where the merged change is zero.
    let factors: RoundedFactors?
    /// ‖D‖², where singular values were taken.
    let power: Double
    /// The part of it that the rank leaves out.
    let leftOut: Double

    var rank: Int { factors?.rank ?? 0 }
}

extension AdapterMergeMethod {
    /// Throws what reading the factors throws, and ``Failure/Code/notFinite`` where the dtype cannot hold the result.
    func merge(
        _ target: TargetOfAdapters, weights: [Double], options: AdapterMergeOptions
    ) throws(Failure) -> MergedTarget {
        let changes = try target.read()
        let mixture = TargetMixture(module: target.module, weights: weights, options: options)
        if case .concatenation = way { return try concatenated(target, changes, mixture) }
        let space = CoreSpace(changes, form: target.form)
        let core: RealMatrix =
            switch way {
            case .coefficients(let coefficients): space.sum(try coefficients(space.gram, mixture))
            case .cores(let merge): space.merged { merge($0, mixture) }
            case .concatenation: space.sum(weights)
            }
        let values = SingularValues(core)
        let most = options.rank ?? (word == Self.svd.word ? max(1, target.ranks.max() ?? 1) : Int.max)
        let rank = min(most, values.rank(above: CoreSpace.precision))
        let squares = values.values.map { $0 * $0 }
        return MergedTarget(
            target: target,
            factors: rank == 0
                ? nil : try RoundedFactors(space.factors(values, rank: rank), dtype: options.dtype),
            power: squares.reduce(0, +), leftOut: squares.dropFirst(rank).reversed().reduce(0, +))
    }

    /// A of all, each times w·s, one below the other, and B of all side by side.
    private func concatenated(
        _ target: TargetOfAdapters, _ changes: [[ThinFactors]], _ mixture: TargetMixture
    ) throws(Failure) -> MergedTarget {
        var parts: [(weight: Double, factors: ThinFactors)] = []
        for (weight, products) in zip(mixture.weights, changes) where weight != 0 {
            parts += products.map { (weight, $0) }
        }
        let pair = FactorPair(
            a: .stacked(
                parts.map { $0.factors.a.scaled(by: $0.weight * $0.factors.scale) }, columns: target.form.columns),
            b: .stacked(parts.map(\.factors.b), columns: target.form.outputs))
        return MergedTarget(
            target: target,
            factors: pair.rank == 0 ? nil : try RoundedFactors(pair, dtype: mixture.options.dtype), power: 0,
            leftOut: 0)
    }
}
