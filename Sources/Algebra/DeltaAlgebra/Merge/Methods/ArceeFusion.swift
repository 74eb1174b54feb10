import Diagnostics

/// The other model's elements where its difference matters most, by its size and by the divergence of its row: Arcee AI,
/// 2025.
struct ArceeFusion: MergeMethod {
    let word = "arcee_fusion"
    let base = BaseNeed.required
    let modelCount = 1...1
    let settings: [MergeSetting] = []
    let lacks = TensorLack.copiedFromOne

    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger { Fusion() }

    private struct Fusion: TensorMerger {
        let needsRows = true

        func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger {
            let divergences = try crew.map { $0.divergences(.input(0)) }.flatMap(\.self)
            let prepare: @Sendable (MergeBlock) -> Void = { Self.rank($0, divergences) }
            let last = crew.inputs.count - 1
            let ascending = [last / 4, last / 2, 3 * last / 4]
            let quartiles = try crew.magnitudes(
                ascending.map { (.spare, last + 1 - $0) }, prepare: prepare
            ).map { Double(Float(bitPattern: $0.magnitude)) }
            return Choice(divergences: divergences, least: quartiles[1] + 1.5 * (quartiles[2] - quartiles[0]))
        }

        /// Makes the ranks of a block's elements.
        fileprivate static func rank(_ block: MergeBlock, _ divergences: [Double]) {
            block.difference(.input(0))
            let row = block.first / block.columns
            block.rank(byRow: divergences[row..<row + block.count / block.columns])
        }
    }

    private struct Choice: ElementMerger {
        let divergences: [Double]
        let least: Double

        func merge(_ block: MergeBlock) {
            Fusion.rank(block, divergences)
            block.choose(.input(0), whereSpareIsAtLeast: least)
        }
    }
}
