import Diagnostics
import LinearAlgebra

/// Differences from a base, thinned out, perhaps with a sign elected for each element, and added to the base: Ilharco et
/// al., Editing Models with Task Arithmetic, 2022, and its kin. `Spec/merge.md` has who said what.
struct TaskArithmetic: MergeMethod {
    enum Sparsifier: Sendable {
        case none
        /// TIES: Yadav et al., 2023.
        case magnitude
        /// DARE: Yu et al., 2023.
        case random
        /// Breadcrumbs: Davari and Belilovsky, 2023.
        case outliers
        /// DELLA: Deep et al., 2024.
        case rankedRandom
    }

    let word: String
    let base = BaseNeed.required
    let modelCount = 0...Int.max
    let settings: [MergeSetting]
    private let sparsifier: Sparsifier
    private let elects: Bool

    static let all = [
        TaskArithmetic("task_arithmetic", .none),
        TaskArithmetic("ties", .magnitude, elects: true, normalizes: true),
        TaskArithmetic("dare_linear", .random, rescales: true),
        TaskArithmetic("dare_ties", .random, elects: true, rescales: true),
        TaskArithmetic("breadcrumbs", .outliers),
        TaskArithmetic("breadcrumbs_ties", .outliers, elects: true),
        TaskArithmetic("della", .rankedRandom, elects: true, normalizes: true, rescales: true),
        TaskArithmetic("della_linear", .rankedRandom, rescales: true),
    ]

    private init(
        _ word: String, _ sparsifier: Sparsifier, elects: Bool = false, normalizes: Bool = false,
        rescales: Bool = false
    ) {
        self.word = word
        self.sparsifier = sparsifier
        self.elects = elects
        var settings = [
            MergeSetting("weight", .model, nil), MergeSetting("normalize", .tensor, normalizes),
            MergeSetting("lambda", .tensor, 1),
        ]
        if sparsifier != .none {
            settings.append(MergeSetting("density", .model, 1, in: 0...1))
            settings.append(MergeSetting("rescale", .tensor, rescales))
        }
        if sparsifier == .outliers { settings.append(MergeSetting("gamma", .model, 0.01, in: 0...1)) }
        if sparsifier == .rankedRandom { settings.append(MergeSetting("epsilon", .model, 0.15, in: 0...1)) }
        self.settings = settings
    }

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let wants = try tensor.inputs.map { input throws(Failure) in try want(input, of: tensor) }
        let values = tensor.values
        return TaskArithmeticMerger(
            wants: wants, weights: try self.values("weight", of: tensor), elects: elects,
            divides: try flag("normalize", in: values),
            rescales: sparsifier == .none ? false : try flag("rescale", in: values),
            factor: Float(try value("lambda", in: values)), needsRows: sparsifier == .rankedRandom)
    }

    private func want(_ input: TensorMerge.Input, of tensor: TensorMerge) throws(Failure) -> Sparsity.Want {
        if sparsifier == .none { return .all }
        let density = try value("density", in: input.values)
        let key = CounterRandom.key(tensor.seed, tensor.name + "\0\(input.number)")
        let epsilon = sparsifier == .rankedRandom ? try value("epsilon", in: input.values) : 0
        if density >= 1 { return .all }
        if density <= 0 { return .none }
        switch sparsifier {
        case .none: return .all
        case .magnitude: return .largest(density)
        case .random: return .random(key: key, chance: UInt32((density * 0x1p24).rounded(.up)))
        case .outliers: return .between(density: density, gamma: try value("gamma", in: input.values))
        case .rankedRandom:
            guard density - epsilon > 0, density + epsilon < 1 else {
                throw Failure(
                    .recipeInvalid, "density and epsilon of \(word) leave the range of chances", object: input.model,
                    expected: "density - epsilon above 0 and density + epsilon below 1",
                    actual: "\(density) and \(epsilon)")
            }
            return .rankedRandom(key: key, density: density, epsilon: epsilon)
        }
    }
}

private struct TaskArithmeticMerger: TensorMerger {
    let wants: [Sparsity.Want]
    let weights: [Double]
    let elects: Bool
    let divides: Bool
    let rescales: Bool
    let factor: Float
    let needsRows: Bool

    func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger {
        let sparsities = try Sparsity.found(wants, crew)
        var scales = [Double](repeating: 1, count: wants.count)
        if rescales { scales = try Self.scales(sparsities, crew) }
        let factors = zip(weights, scales).map { Float($0 * $1) }
        return Prepared(
            sparsities: sparsities,
            mixture: Mixture(votes: factors, factors: factors, weights: weights, elects: elects, divides: divides),
            factor: factor)
    }

    /// What gives each thinned difference the sum of magnitudes that it had.
    private static func scales(_ sparsities: [Sparsity], _ crew: MergeCrew) throws(Failure) -> [Double] {
        guard sparsities.contains(where: \.thins) else { return sparsities.map { _ in 1 } }
        let sums = try crew.sums { block in
            block.subtractBase()
            return zip(block.inputVectors, sparsities).flatMap { vector, sparsity in
                let before = block.magnitudeSum(vector)
                sparsity.apply(to: vector, of: block)
                return [before, block.magnitudeSum(vector)]
            }
        }
        return sparsities.indices.map { index in
            guard sparsities[index].thins, !sums.isEmpty else { return 1 }
            let (before, after) = (sums[2 * index], sums[2 * index + 1])
            return before == 0 || after == 0 ? 1 : before / after
        }
    }

    private struct Prepared: ElementMerger {
        let sparsities: [Sparsity]
        let mixture: Mixture
        let factor: Float

        func merge(_ block: MergeBlock) {
            block.subtractBase()
            for (vector, sparsity) in zip(block.inputVectors, sparsities) { sparsity.apply(to: vector, of: block) }
            block.mix(mixture)
            if factor != 1 { block.scale(.result, by: factor) }
            block.addBase()
        }
    }
}
