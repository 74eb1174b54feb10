import Diagnostics

/// Which elements of a model's difference from its base stay.
enum Sparsity: Sendable {
    case all
    case none
    case first(MagnitudeCut)
    /// Those of `kept` that are not of `dropped`.
    case between(dropped: MagnitudeCut, kept: MagnitudeCut)
    case random(key: UInt64, chance: UInt32)
    case rankedRandom(key: UInt64, low: Double, spread: Double)

    /// What is asked for, before anything of the tensor was seen.
    enum Want: Sendable {
        case all
        case none
        /// That share of the largest magnitudes.
        case largest(Double)
        /// The share `density` that follows the share `gamma` of the largest.
        case between(density: Double, gamma: Double)
        case random(key: UInt64, chance: UInt32)
        case rankedRandom(key: UInt64, density: Double, epsilon: Double)
    }

    var thins: Bool { if case .all = self { false } else { true } }

    /// Sets the others to zero.
    func apply(to vector: MergeBlock.Vector, of block: MergeBlock) {
        switch self {
        case .all: break
        case .none: block.fill(vector, 0)
        case .first(let cut): cut.keep(vector, of: block)
        case .between(let dropped, let kept):
            kept.keep(vector, of: block)
            dropped.clear(vector, of: block)
        case .random(let key, let chance): block.clearRandomly(vector, key: key, chance: chance)
        case .rankedRandom(let key, let low, let spread):
            block.clearRandomly(vector, key: key, low: low, spread: spread)
        }
    }

    /// For each input what it wants, after as many looks at the tensor as that takes.
    static func found(_ wants: [Want], _ crew: MergeCrew) throws(Failure) -> [Sparsity] {
        var cuts: [(vector: MergeBlock.Vector, count: Int)] = []
        let total = crew.inputs.count
        for (number, want) in wants.enumerated() {
            switch want {
            case .largest(let density): cuts.append((.input(number), max(1, Int(density * Double(total)))))
            case .between(let density, let gamma):
                let kept = Int(density * Double(total))
                let smallest = max(0, total - kept - Int(gamma * Double(total)))
                cuts.append((.input(number), total - smallest - kept))
                cuts.append((.input(number), total - smallest))
            case .all, .none, .random, .rankedRandom: break
            }
        }
        var found = try crew.cuts(cuts) { $0.subtractBase() }[...]
        return wants.map { want in
            switch want {
            case .all: .all
            case .none: .none
            case .largest: .first(found.removeFirst())
            case .between: .between(dropped: found.removeFirst(), kept: found.removeFirst())
            case .random(let key, let chance): .random(key: key, chance: chance)
            case .rankedRandom(let key, let density, let epsilon):
                crew.inputs.columns > 1
                    ? .rankedRandom(key: key, low: density - epsilon, spread: 2 * epsilon)
                    : .rankedRandom(key: key, low: density, spread: 0)
            }
        }
    }
}
