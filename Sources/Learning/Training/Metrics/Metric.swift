package import Architectures
import Layers

/// What says how good a model is, besides its loss.
package enum Metric: String, Hashable, Sendable, CaseIterable {
    /// The share of right answers.
    case accuracy
    /// The share of rows whose labels all were the likeliest tokens: of those a model would say just that if it always said
    /// the likeliest.
    case exactMatch = "exact-match"
    case f1
    case macroF1 = "macro-f1"
    case matthews
    case pearson
    case spearman

    /// Its key in documents.
    var key: String {
        switch self {
        case .exactMatch: "exactMatch"
        case .macroF1: "macroF1"
        default: rawValue
        }
    }

    /// The least and the most that it can be.
    package var range: ClosedRange<Double> {
        switch self {
        case .matthews, .pearson, .spearman: -1...1
        default: 0...1
        }
    }

    /// Those of a task, the first the one that people look at.
    package static func all(of task: ModelTask) -> [Metric] {
        switch task {
        case .causal: [.accuracy, .exactMatch]
        case .masked: [.accuracy]
        case .classification, .tokenClassification: [.accuracy, .f1, .macroF1, .matthews]
        case .regression: [.pearson, .spearman]
        }
    }

    /// What the answers of a task come to. Metrics that are not defined are left out.
    static func values(of sum: LossSum, _ task: ModelTask, classes: Int) -> [Metric: Double] {
        switch task {
        case .causal, .masked:
            return [.accuracy: sum.accuracy, .exactMatch: Double(sum.exactRows) / Double(max(1, sum.rows))]
                .filter { all(of: task).contains($0.key) }
        case .classification, .tokenClassification:
            var counts = ClassCounts(classes: classes)
            for answer in sum.answers { counts.add(Int(answer.given), for: Int(answer.asked)) }
            let values = [
                (Metric.accuracy, counts.accuracy), (.f1, counts.f1), (.macroF1, counts.macroF1),
                (.matthews, counts.matthews),
            ]
            return Dictionary(values.compactMap { metric, value in value.map { (metric, $0) } }) { $1 }
        case .regression:
            let (given, asked) = (sum.answers.map(\.given), sum.answers.map(\.asked))
            let values = [
                (Metric.pearson, Correlation.pearson(given, asked)), (.spearman, Correlation.spearman(given, asked)),
            ]
            return Dictionary(values.compactMap { metric, value in value.map { (metric, $0) } }) { $1 }
        }
    }
}
