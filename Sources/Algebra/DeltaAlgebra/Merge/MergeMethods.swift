/// The methods that recipes know.
package enum MergeMethods {
    package static let all: [any MergeMethod] =
        [Linear()] + TaskArithmetic.all
        + [Slerp(), NuSlerp(), MultiSlerp(), Karcher(), ModelStock(), NearSwap(), SCE(), ArceeFusion()] + RAM.all
        + [Passthrough()]

    package static func named(_ word: String) -> (any MergeMethod)? { all.first { $0.word == word } }
}
