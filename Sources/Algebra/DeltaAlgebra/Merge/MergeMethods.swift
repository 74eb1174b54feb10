/// The methods that recipes know.
package enum MergeMethods {
    package static let all: [any MergeMethod] =
        [Linear()] + TaskArithmetic.all
        + [Slerp(), NuSlerp(), MultiSlerp(), Karcher(), ModelStock(), NearSwap(), SCE(), ArceeFusion()] + RAM.all
        + [Passthrough()]

    /// Hyphens and underscores are the same in a word.
    package static func named(_ word: String) -> (any MergeMethod)? {
        let plain = word.map { $0 == "-" ? "_" : $0 }
        return all.first { Array($0.word) == plain }
    }
}
