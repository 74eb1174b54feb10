/// How often each class was predicted for each: what the metrics of a classification are computed from.
package struct ClassCounts: Hashable, Sendable {
    /// How many have each class, for how many it was said, and how often it was both.
    private var labels: [Int]
    private var predictions: [Int]
    private var hits: [Int]

    /// `classes` is at least 1.
    package init(classes: Int) {
        precondition(classes > 0)
        labels = [Int](repeating: 0, count: classes)
        predictions = labels
        hits = labels
    }

    /// Counts one prediction; both are classes from 0.
    package mutating func add(_ predicted: Int, for label: Int) {
        precondition(labels.indices.contains(predicted) && labels.indices.contains(label))
        labels[label] += 1
        predictions[predicted] += 1
        if predicted == label { hits[label] += 1 }
    }

    package var total: Int { labels.reduce(0, +) }

    private var right: Int { hits.reduce(0, +) }

    /// The share of right predictions; nil without any.
    package var accuracy: Double? { total == 0 ? nil : Double(right) / Double(total) }

    /// The harmonic mean of precision and recall of one class: 2·right / (labels + predictions). Zero where it neither
    /// occurs nor is predicted.
    package func f1(of one: Int) -> Double {
        let all = labels[one] + predictions[one]
        return all == 0 ? 0 : 2 * Double(hits[one]) / Double(all)
    }

    /// Of two classes that of the second, which is how positives are numbered; of more ``macroF1``.
    package var f1: Double? { total > 0 && labels.count == 2 ? f1(of: 1) : macroF1 }

    /// The mean of ``f1(of:)`` over the classes that occur or were predicted; nil without any.
    package var macroF1: Double? {
        let present = labels.indices.filter { labels[$0] + predictions[$0] > 0 }
        return present.isEmpty ? nil : present.reduce(0) { $0 + f1(of: $1) } / Double(present.count)
    }

    /// The correlation of labels and predictions (Matthews, 1975; for many classes Gorodkin, 2004), from −1 to 1. Zero where
    /// all labels, or all predictions, are one class; nil without any.
    package var matthews: Double? {
        guard total > 0 else { return nil }
        let count = Double(total)
        let labels = self.labels.map(Double.init)
        let predictions = self.predictions.map(Double.init)
        let covariance = Double(right) * count - zip(labels, predictions).reduce(0) { $0 + $1.0 * $1.1 }
        let spreads = [labels, predictions].map { parts in count * count - parts.reduce(0) { $0 + $1 * $1 } }
        let product = spreads[0] * spreads[1]
        return product == 0 ? 0 : covariance / product.squareRoot()
    }
}
