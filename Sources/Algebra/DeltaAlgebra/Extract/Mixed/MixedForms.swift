import Diagnostics
import Tensors

/// The forms of many tensors' changes, with as many ranks of each as have proved worth knowing.
struct MixedForms {
    let targets: [MixedTarget]
    /// Of products: the number of the target each is of.
    private let owners: [Int]
    /// Bytes of one rank of each product.
    private let costs: [Int]
    /// Ranks beyond which a product is no shorter than the change without loss.
    private let mostRanks: [Int]
    /// What rounding its factors adds to the error of a product, as a share of what it explains: never zero, so that
    /// only the change itself is without error.
    private let roundingShares: [Double]
    private var spectra: Spectra

    /// - Parameter rank: How many ranks to know at first.
    init(_ targets: [MixedTarget], _ extraction: LowRankExtraction, rank: ([Int]) -> Int) throws(Failure) {
        self.targets = targets
        owners = targets.indices.filter { targets[$0].takesFactors && targets[$0].power > 0 }
        let tensors = owners.map { targets[$0].tensor }
        let costs = try tensors.map { target throws(Failure) in try extraction.rankByteCount(of: target) }
        let most = zip(owners, costs).map { owner, cost in max(1, targets[owner].losslessByteCount / cost) }
        let first = max(8, rank(costs))
        spectra = try Spectra(extraction, tensors, ranks: most.map { min($0, first) })
        self.costs = costs
        roundingShares = tensors.map { target in
            switch extraction.factorType(target) {
            case .bf16: 0x1p-19
            case .f16: 0x1p-25
            default: 0x1p-46
            }
        }
        mostRanks = most
    }

    /// All forms that are known.
    var options: [[FormBudget.Option]] {
        var options = targets.map { target -> [FormBudget.Option] in
            let nothing = FormBudget.Option(form: .nothing, byteCount: 0, error: target.power)
            guard target.power > 0 else { return [nothing] }
            return [
                nothing,
                FormBudget.Option(
                    form: .signs, byteCount: target.signs.byteCount, error: target.signs.squaredDistance),
                FormBudget.Option(form: .lossless, byteCount: target.losslessByteCount, error: 0),
            ]
        }
        for (product, owner) in owners.enumerated() {
            var explained = 0.0
            for (place, value) in spectra[product].values.enumerated() {
                explained += value * value
                let error = max(0, targets[owner].power - explained) + roundingShares[product] * explained
                options[owner].append(
                    FormBudget.Option(
                        form: .lora(rank: place + 1), byteCount: costs[product] * (place + 1), error: error))
            }
        }
        return options
    }

    /// The bytes of each target where nothing but products share `bytes`.
    func productByteCounts(sharing bytes: Int) -> [Int] {
        let candidates = owners.indices.map { RankBudget.Candidate(cost: costs[$0], values: spectra[$0].values) }
        var byteCounts = [Int](repeating: 0, count: targets.count)
        for (product, rank) in RankBudget(bytes: bytes).ranks(candidates).enumerated() {
            byteCounts[owners[product]] = costs[product] * rank
        }
        return byteCounts
    }

    /// Finds more ranks where all that are known were taken, or more may be better than what was.
    ///
    /// - Parameters:
    ///   - chosen: Of each target.
    ///   - products: Bytes of each target that were given to ranks in another choice.
    ///   - slack: How much more error would be allowed.
    /// - Returns: Whether any were found.
    mutating func grow(
        _ chosen: [FormBudget.Option], products: [Int], slack: Double
    ) throws(Failure) -> Bool {
        var hasGrown = false
        for (product, owner) in owners.enumerated() {
            let known = spectra[product].values.count
            guard !spectra[product].isComplete, known < mostRanks[product] else { continue }
            guard
                chosen[owner].form == .lora(rank: known) || products[owner] == known * costs[product]
                    || mayBeat(chosen[owner], product, slack)
            else { continue }
            try spectra.grow(product, to: min(mostRanks[product], 2 * known))
            hasGrown = true
        }
        return hasGrown
    }

    /// Whether a product could be as good as `option` with fewer bytes, if all values to come were as large as the last.
    private func mayBeat(_ option: FormBudget.Option, _ product: Int, _ slack: Double) -> Bool {
        let values = spectra[product].values
        guard let last = values.last else { return false }
        let missing = values.reduce(targets[owners[product]].power) { $0 - $1 * $1 } - option.error - slack
        guard missing > 0 else { return false }
        let rank = Double(values.count) + missing / max(last * last, 1e-300)
        return rank * Double(costs[product]) < Double(option.byteCount)
    }

    /// What comes of an option of one target.
    func result(_ target: Int, _ option: FormBudget.Option) throws(Failure) -> LossyResult {
        let own = targets[target]
        func result(_ form: LossyResult.Form) -> LossyResult {
            LossyResult(name: own.tensor.name, form: form, squaredDistance: option.error, power: own.power)
        }
        switch option.form {
        case .nothing: return result(.nothing)
        case .signs: return result(.signs(own.signs))
        case .lossless: return result(.lossless)
        case .lora(let rank):
            guard let product = owners.firstIndex(of: target) else {
                throw Failure(.internal, "no product was asked for", object: own.tensor.name)
            }
            let found = try spectra.result(product, rank: rank)
            guard found.relativeError.isFinite else {
                throw Failure(
                    .kindShape, "the factors do not fit their dtype", object: own.tensor.name,
                    hint: "--dtype f32 holds more")
            }
            return LossyResult(found)
        }
    }
}
