package import Diagnostics
import LinearAlgebra

/// What PEFT's `add_weighted_adapter` calls a combination: `Spec/merge.md`, "Compatibility with PEFT".
package struct PEFTCombination: Sendable {
    package enum Sign: String, Sendable, CaseIterable {
        case total, frequency
    }

    package let word: String
    /// How signs are counted.
    package let sign: Sign
    let pruning: Pruning
    let elects: Bool
    let way: Way

    enum Pruning: Hashable, Sendable {
        case none, largest, random
    }

    enum Way: Hashable, Sendable {
        case concatenation
        /// On A and B, each for itself.
        case factors
        /// On B·A, which is decomposed.
        case product
    }

    package static let words = [
        "svd", "linear", "cat", "ties", "ties_svd", "dare_ties", "dare_linear", "dare_ties_svd", "dare_linear_svd",
        "magnitude_prune", "magnitude_prune_svd",
    ]

    /// What it makes use of.
    package var settings: Set<AdapterMergeSetting> {
        var settings: Set<AdapterMergeSetting> = [.weights]
        if way == .product { settings.insert(.rank) }
        if elects { settings.insert(.majoritySignMethod) }
        if pruning != .none { settings.insert(.density) }
        // Large products are decomposed from a random start.
        if pruning == .random || way == .product && pruning != .none { settings.insert(.seed) }
        return settings
    }

    /// Hyphens and underscores are the same in a word.
    ///
    /// Throws ``Failure/Code/usage`` for a word that PEFT does not have.
    package init(_ word: String, sign: Sign = .total) throws(Failure) {
        let word = String(word.map { $0 == "-" ? "_" : $0 })
        guard Self.words.contains(word) else {
            throw Failure(
                .usage, "PEFT has no such combination", expected: Self.words.joined(separator: ", "), actual: word)
        }
        self.word = word
        self.sign = sign
        way = word == "cat" ? .concatenation : word.hasSuffix("svd") ? .product : .factors
        elects = word.contains("ties")
        pruning =
            word.hasPrefix("dare") ? .random : word.hasPrefix("magnitude") || word.hasPrefix("ties") ? .largest : .none
    }

    /// What an adapter has for a target.
    struct Part {
        /// Its place among the adapters, by which its random numbers are known.
        let number: Int
        let weight: Double
        let factors: ThinFactors
    }

    /// What it makes of one adapter alone.
    private static let alone = try? PEFTCombination("linear")

    /// - Parameter rank: Of what is decomposed.
    ///
    /// Throws ``Failure/Code/usage`` where the adapters have different ranks and their factors are to be added.
    func merge(
        _ target: TargetOfAdapters, weights: [Double], options: AdapterMergeOptions, rank: Int
    ) throws(Failure) -> MergedTarget {
        if target.entries.count == 1, let alone = Self.alone, word != alone.word {
            return try alone.merge(target, weights: weights, options: options, rank: rank)
        }
        var parts: [Part] = []
        for (number, (weight, products)) in zip(weights, try target.read()).enumerated() {
            guard products.count <= 1 else {
                throw Failure(.notMergeable, "PEFT has one pair of factors for a module", object: target.name)
            }
            if let own = products.first { parts.append(Part(number: number, weight: weight, factors: own)) }
        }
        switch way {
        case .concatenation: return try target.result(concatenated(parts, target.form), options)
        case .factors: return try target.result(try added(parts, target, options), options)
        case .product where word == "svd":
            let space = CoreSpace(parts.map { [$0.factors] }, form: target.form)
            let values = SingularValues(space.sum(parts.map(\.weight)))
            let count = min(rank, values.rank(above: CoreSpace.precision))
            return try target.result(space.factors(values, rank: count), options, values.values, count)
        case .product: return try decomposed(parts, target, options, rank)
        }
    }

    private func concatenated(_ parts: [Part], _ form: FactorForm) -> FactorPair {
        FactorPair(
            a: .stacked(parts.map { $0.factors.a.scaled(by: $0.weight * $0.factors.scale) }, columns: form.columns),
            b: .stacked(parts.map(\.factors.b), columns: form.outputs))
    }

    private func added(
        _ parts: [Part], _ target: TargetOfAdapters, _ options: AdapterMergeOptions
    ) throws(Failure) -> FactorPair {
        let ranks = parts.map(\.factors.rank)
        guard ranks.allSatisfy({ $0 == ranks[0] }) else {
            throw Failure(
                .usage, "factors of different ranks cannot be added", object: target.name, actual: "ranks \(ranks)",
                hint: "take cat, or a combination that decomposes: svd, \(word == "linear" ? "cat" : word + "_svd")")
        }
        let roots = parts.map { ($0.weight * $0.factors.scale).magnitude.squareRoot() }
        let signed = zip(parts, roots).map { $0.weight * $0.factors.scale < 0 ? -$1 : $1 }
        let names = parts.map { "\(target.module)\0\($0.number)" }
        return FactorPair(
            a: combined(parts.map(\.factors.a), signed, names.map { $0 + "\0A" }, options),
            b: combined(parts.map(\.factors.b.transposed), roots, names.map { $0 + "\0B" }, options).transposed)
    }

    /// Σ w_i·P(X_i); with election the mean of w_i·P(X_i) over those with the sign of the majority.
    func combined(
        _ matrices: [RealMatrix], _ weights: [Double], _ names: [String], _ options: AdapterMergeOptions
    ) -> RealMatrix {
        let kept = zip(matrices, names).map { pruned($0, $1, options) }
        var result = RealMatrix(rows: matrices[0].rows, columns: matrices[0].columns)
        guard elects else {
            for (matrix, weight) in zip(kept, weights) { result.add(weight, times: matrix) }
            return result
        }
        for place in result.values.indices {
            let values = kept.map { $0.values[place] }
            let majority = values.reduce(0.0) { sum, value in
                switch sign {
                case .total: sum + value
                case .frequency: sum + (value > 0 ? 1 : value < 0 ? -1 : 0)
                }
            }
            var (total, count) = (0.0, 0)
            for (value, weight) in zip(values, weights) where value != 0 && (value > 0) == (majority >= 0) {
                total += weight * value
                count += 1
            }
            result.values[place] = total / Double(max(1, count))
        }
        return result
    }

    private func pruned(_ matrix: RealMatrix, _ name: String, _ options: AdapterMergeOptions) -> RealMatrix {
        guard options.density < 1 else { return matrix }
        switch pruning {
        case .none: return matrix
        case .largest:
            return matrix.keeping(
                matrix.values.byMagnitude.prefix(Int(options.density * Double(matrix.values.count))))
        case .random:
            return matrix.drawn(CounterRandom(seed: options.seed, name: name)) { _ in options.density }
        }
    }
}

extension TargetOfAdapters {
    /// Rounded, with what the singular values after the first `rank` leave out.
    func result(
        _ pair: FactorPair, _ options: AdapterMergeOptions, _ values: [Double] = [], _ rank: Int = 0
    ) throws(Failure) -> MergedTarget {
        MergedTarget(
            target: self, factors: pair.rank == 0 ? nil : try RoundedFactors(pair, dtype: options.dtype),
            power: values.reduce(0) { $0 + $1 * $1 },
            leftOut: values.dropFirst(rank).reversed().reduce(0) { $0 + $1 * $1 })
    }
}
