import Diagnostics

/// Select by variance, calculate weights, erase minorities: Wan et al., FuseChat, 2024.
struct SCE: MergeMethod {
    let word = "sce"
    let base = BaseNeed.required
    let modelCount = 0...Int.max
    let settings = [MergeSetting("select_topk", .tensor, 1)]

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger {
        Merger(share: try value("select_topk", in: tensor.values), models: tensor.inputs.count)
    }

    private struct Merger: TensorMerger {
        let share: Double
        let models: Int

        func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger {
            guard models > 0 else { return Prepared(selected: nil, weights: []) }
            var selected: MagnitudeCut?
            if share < 1 {
                let varied = try crew.map { block in
                    Self.vary(block)
                    return block.nonzeroCount(.spare)
                }
                let count = Int(max(0, share) * Double(varied.reduce(0, +)))
                selected = try crew.cuts([(.spare, count)], prepare: Self.vary).first
            }
            let chosen = selected
            let squares = try crew.sums { block in
                Self.select(chosen, block)
                return block.inputVectors.map { block.dot($0, $0) }
            }
            let total = squares.reduce(0, +)
            let weights =
                total > 0 ? squares.map { $0 / total } : [Double](repeating: 1 / Double(models), count: models)
            return Prepared(selected: selected, weights: weights)
        }

        private static func vary(_ block: MergeBlock) {
            block.subtractBase()
            block.variance(into: .spare)
        }

        /// Leaves of the differences what was selected.
        fileprivate static func select(_ selected: MagnitudeCut?, _ block: MergeBlock) {
            guard let selected else { return block.subtractBase() }
            vary(block)
            selected.keep(.spare, of: block)
            for vector in block.inputVectors { block.clear(vector, whereZero: .spare) }
        }
    }

    private struct Prepared: ElementMerger {
        let selected: MagnitudeCut?
        let weights: [Double]

        func merge(_ block: MergeBlock) {
            if weights.isEmpty { return block.copy(.base, to: .result) }
            Merger.select(selected, block)
            block.mix(
                Mixture(
                    votes: [Float](repeating: 1, count: weights.count), factors: weights.map(Float.init),
                    weights: weights, elects: true, divides: true, leastDivisor: 0))
            block.addBase()
        }
    }
}
