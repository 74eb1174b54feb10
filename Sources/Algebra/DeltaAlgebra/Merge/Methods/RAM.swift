import Diagnostics

/// What one model alone changed is taken, what several changed is averaged: Reinforced Agent Merging, arXiv 2601.13572,
/// 2026.
struct RAM: MergeMethod {
    let word: String
    let base = BaseNeed.required
    let modelCount = 0...Int.max
    let settings: [MergeSetting]
    /// Whether a model's own changes are enlarged the more the others changed of what it did.
    private let rescales: Bool

    static let all = [RAM("ram", rescales: false), RAM("ramplus_tl", rescales: true)]

    private init(_ word: String, rescales: Bool) {
        self.word = word
        self.rescales = rescales
        let positive = 0...Double.greatestFiniteMagnitude
        settings =
            [MergeSetting("epsilon", .tensor, 1e-5, in: positive)]
            + (rescales
                ? [MergeSetting("r", .tensor, 0.1, in: positive), MergeSetting("alpha", .tensor, 0.2, in: positive)]
                : [])
    }

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        let growth = rescales ? try value("r", in: tensor.values) : 0
        let limit = rescales ? try value("alpha", in: tensor.values) : 0
        return Merger(
            least: Float(try value("epsilon", in: tensor.values)), growth: growth, limit: limit,
            models: tensor.inputs.count)
    }

    private struct Merger: TensorMerger {
        let least: Float
        let growth: Double
        let limit: Double
        let models: Int

        func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger {
            let shares = (0...max(1, models)).map { Float(1 / Double(max(1, $0))) }
            guard growth != 0, models > 0 else {
                return Prepared(least: least, alone: [Float](repeating: 1, count: models), shares: shares)
            }
            let least = least
            let counts = try crew.map { block in
                block.subtractBase()
                return block.changedCounts(above: least)
            }
            let alone = (0..<models).map { model in
                let own = counts.reduce(0) { $0 + $1.alone[model] }
                let shared = counts.reduce(0) { $0 + $1.shared[model] }
                let overlap = own == 0 ? limit : min(limit, Double(shared) / Double(own))
                return Float(1 + growth * overlap)
            }
            return Prepared(least: least, alone: alone, shares: shares)
        }
    }

    private struct Prepared: ElementMerger {
        let least: Float
        let alone: [Float]
        let shares: [Float]

        func merge(_ block: MergeBlock) {
            block.subtractBase()
            block.mixChanged(above: least, alone: alone, shares: shares)
            block.addBase()
        }
    }
}
