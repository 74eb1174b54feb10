package import Diagnostics
import LinearAlgebra

/// How changes of low rank become one: one value per method, in `Methods/`.
package struct AdapterMergeMethod: Sendable {
    package let word: String
    /// Where it was published.
    package let source: String
    /// How many adapters it takes.
    package let count: ClosedRange<Int>
    /// What it makes use of.
    package let settings: Set<AdapterMergeSetting>
    let way: Way

    enum Way: Sendable {
        /// Factors one beside the other: nothing is lost.
        case concatenation
        /// D = Σ c_i·D_i with c from inner products of the D_i.
        case coefficients(@Sendable (GramMatrix, TargetMixture) throws(Failure) -> [Double])
        /// On the elements of the cores M_i, D_i = U·M_i·Vᵀ.
        case cores(@Sendable ([RealMatrix], TargetMixture) -> RealMatrix)
    }

    /// - Parameter settings: Beside weights and rank, which most methods take.
    init(
        _ word: String, _ source: String, count: ClosedRange<Int> = 1...Int.max,
        takes settings: Set<AdapterMergeSetting> = [], without: Set<AdapterMergeSetting> = [], _ way: Way
    ) {
        self.word = word
        self.source = source
        self.count = count
        self.settings = settings.union([.weights, .rank]).subtracting(without)
        self.way = way
    }

    package static let all: [AdapterMergeMethod] = [
        cat, linear, svd, slerp, karcher, modelStock, ties, magnitudePrune, dare, dareTies, della, dellaLinear,
        breadcrumbs, breadcrumbsTies, sce,
    ]

    /// Hyphens and underscores are the same in a word.
    ///
    /// Throws ``Failure/Code/usage`` for a word that no method has.
    package static func named(_ word: String) throws(Failure) -> AdapterMergeMethod {
        let plain = word.map { $0 == "_" ? "-" : $0 }
        if let method = all.first(where: { Array($0.word) == plain }) { return method }
        throw Failure(
            .usage, "there is no such method for adapters", expected: all.map(\.word).joined(separator: ", "),
            actual: word)
    }

    /// Whether what it makes of adapters is Σ w_i of their changes.
    var isWeightedSum: Bool { [Self.cat, .linear, .svd].contains { $0.word == word } }
}

/// How one target is merged.
struct TargetMixture: Sendable {
    /// The module's path, by which random masks are drawn.
    let module: String
    /// Of each adapter, whether it has the target or not.
    let weights: [Double]
    let options: AdapterMergeOptions

    /// Σ w, which some methods divide by; ``Failure/Code/usage`` where it is zero.
    func weightSum() throws(Failure) -> Double {
        let sum = weights.reduce(0, +)
        guard sum.magnitude >= 1e-8 else {
            throw Failure(.usage, "the weights sum to zero", object: module, actual: "\(weights)")
        }
        return sum
    }
}
