/// The singular values of a change D = W′ − W, as far as they are known: `Spec/diff.md`.
package struct ChangeSpectrum: Sendable {
    /// ‖D‖² / σ₁².
    package let effectiveRank: Double
    /// The largest, descending.
    package let values: [Double]
    /// Whether there are no others.
    package let isComplete: Bool
    /// How many values hold each of ``shares`` of ‖D‖²; nil where it is more than are known.
    package let energyRanks: [Int?]
    /// Between the ranges of the two changes that are compared, where both are products of factors.
    package var angles: Angles?

    /// In degrees, ascending.
    package struct Angles: Sendable {
        /// Between the spaces of the columns, as many as the smaller of them has dimensions.
        package let columns: [Double]
        /// Between those of the rows.
        package let rows: [Double]
    }

    package static let shares = [0.5, 0.9, 0.95, 0.99]

    /// Nil for a change of zero.
    init?(values: [Double], power: Double, isComplete: Bool, angles: Angles? = nil) {
        guard let first = values.first, first > 0, power > 0, power.isFinite else { return nil }
        self.values = values
        self.isComplete = isComplete
        self.angles = angles
        effectiveRank = max(1, power / (first * first))
        energyRanks = Self.shares.map { share in
            var sum = 0.0
            for (index, value) in values.enumerated() {
                sum += value * value
                if sum >= share * power { return index + 1 }
            }
            return isComplete ? values.count : nil
        }
    }
}
