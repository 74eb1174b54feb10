/// How two sets of numbers differ: `Spec/diff.md` says what each figure means.
package struct DiffFigures: Hashable, Sendable {
    /// ‖W‖, ‖W′‖ and ‖W′ − W‖, with the Frobenius norm.
    package let baseNorm: Double
    package let otherNorm: Double
    package let changeNorm: Double
    /// Of W and W′; nil where one of them is zero.
    package let cosine: Double?
    /// What only a look at every element tells; nil for products of factors, which are never multiplied out.
    package let elements: Elements?

    package struct Elements: Hashable, Sendable {
        /// max |W′ − W|.
        package let largestChange: Double
        /// The share of elements whose bits differ.
        package let changedShare: Double
        /// The share of elements with one sign in both, zero being a sign of its own.
        package let signAgreement: Double
        /// The share of the change's norm that is lost where both are rounded to bf16; nil where nothing changed, and of
        /// what is no weights.
        package let roundingLoss: Double?
        /// Elements that are infinite or NaN in either, which nothing else counts.
        package let unusable: Int
    }

    /// ‖W′ − W‖ / ‖W‖: infinite where only W is zero.
    package var relativeChange: Double { changeNorm == 0 ? 0 : changeNorm / baseNorm }
}

/// The sums that figures are made of.
struct DiffSums: Sendable {
    var basePower = 0.0
    var otherPower = 0.0
    var product = 0.0
    var changePower = 0.0
    /// Nil where some of the numbers were never looked at one by one.
    var elements: ElementSums? = ElementSums()

    struct ElementSums: Sendable {
        var count = 0
        var changed = 0
        var agreeing = 0
        var unusable = 0
        var largest = 0.0
        /// Nil where it was not measured.
        var roundingPower: Double? = 0

        static func += (sum: inout ElementSums, other: ElementSums) {
            sum.count += other.count
            sum.changed += other.changed
            sum.agreeing += other.agreeing
            sum.unusable += other.unusable
            sum.largest = max(sum.largest, other.largest)
            sum.roundingPower = sum.roundingPower.flatMap { power in other.roundingPower.map { power + $0 } }
        }

        func figures(changePower: Double) -> DiffFigures.Elements {
            let usable = count - unusable
            func share(_ part: Int) -> Double { usable == 0 ? 0 : Double(part) / Double(usable) }
            return DiffFigures.Elements(
                largestChange: largest, changedShare: share(changed), signAgreement: usable == 0 ? 1 : share(agreeing),
                roundingLoss: changePower > 0 ? roundingPower.map { ($0 / changePower).squareRoot() } : nil,
                unusable: unusable)
        }
    }

    static func += (sum: inout DiffSums, other: DiffSums) {
        sum.basePower += other.basePower
        sum.otherPower += other.otherPower
        sum.product += other.product
        sum.changePower += other.changePower
        if let elements = other.elements { sum.elements? += elements } else { sum.elements = nil }
    }

    /// Whether no sum met an infinity or a NaN.
    var isFinite: Bool {
        basePower.isFinite && otherPower.isFinite && product.isFinite && changePower.isFinite
    }

    var figures: DiffFigures {
        let (base, other) = (basePower.squareRoot(), otherPower.squareRoot())
        let isNothing = base == 0 || other == 0
        let cosine = changePower == 0 ? 1 : max(-1, min(1, product / (base * other)))
        return DiffFigures(
            baseNorm: base, otherNorm: other, changeNorm: changePower.squareRoot(), cosine: isNothing ? nil : cosine,
            elements: elements?.figures(changePower: changePower))
    }
}
