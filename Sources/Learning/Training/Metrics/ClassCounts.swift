/// How often each class was predicted for each: what the metrics of a classification are computed from.
package struct ClassCounts: Hashable, Sendable {
    /// How many classes there are.
    package let classes: Int
    /// By the true class, and within it by the predicted one.
    private var counts: [Int]

    /// `classes` is at least 1.
    package init(classes: Int) {
        precondition(classes > 0)
        self.classes = classes
        counts = [Int](repeating: 0, count: classes * classes)
    }

    /// Counts one prediction; both are classes from 0.
    package mutating func add(_ predicted: Int, for label: Int) {
        precondition((0..<classes).contains(predicted) && (0..<classes).contains(label))
        counts[label * classes + predicted] += 1
    }

    /// How often `predicted` was said where `label` is true.
    package subscript(_ label: Int, _ predicted: Int) -> Int { counts[label * classes + predicted] }

    package var total: Int { counts.reduce(0, +) }

    private var right: Int { (0..<classes).reduce(0) { $0 + self[$1, $1] } }

    /// How many have this class.
    package func labels(of one: Int) -> Int { (0..<classes).reduce(0) { $0 + self[one, $1] } }

    /// For how many this class was said.
    package func predictions(of one: Int) -> Int { (0..<classes).reduce(0) { $0 + self[$1, one] } }

    /// The share of right predictions; nil without any.
    package var accuracy: Double? { total == 0 ? nil : Double(right) / Double(total) }

    /// The harmonic mean of precision and recall of one class: 2·right / (labels + predictions). Zero where it neither
    /// occurs nor is predicted.
    package func f1(of one: Int) -> Double {
        let all = labels(of: one) + predictions(of: one)
        return all == 0 ? 0 : 2 * Double(self[one, one]) / Double(all)
    }

    /// The mean of ``f1(of:)`` over the classes that occur or were predicted; nil without any.
    package var macroF1: Double? {
        let present = (0..<classes).filter { labels(of: $0) + predictions(of: $0) > 0 }
        return present.isEmpty ? nil : present.reduce(0) { $0 + f1(of: $1) } / Double(present.count)
    }

    /// The correlation of labels and predictions (Matthews, 1975; for many classes Gorodkin, 2004), from −1 to 1. Zero where
    /// all labels, or all predictions, are one class; nil without any.
    package var matthews: Double? {
        guard total > 0 else { return nil }
        let count = Double(total)
        let labels = (0..<classes).map { Double(self.labels(of: $0)) }
        let predictions = (0..<classes).map { Double(self.predictions(of: $0)) }
        let covariance = Double(right) * count - zip(labels, predictions).reduce(0) { $0 + $1.0 * $1.1 }
        let spreads = [labels, predictions].map { parts in count * count - parts.reduce(0) { $0 + $1 * $1 } }
        let product = spreads[0] * spreads[1]
        return product == 0 ? 0 : covariance / product.squareRoot()
    }
}
