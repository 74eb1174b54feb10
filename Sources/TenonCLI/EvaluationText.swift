import Packaging
import Training

extension Evaluation {
    /// For people.
    var text: String {
        var parts = ["loss \(loss.text(decimals: 4))"]
        if let perplexity { parts.append("perplexity \(perplexity.text(decimals: 2))") }
        for metric in Metric.allCases {
            guard let value = metrics[metric] else { continue }
            parts.append("\(metric.rawValue) " + (metric.isShare ? value.percent : value.text(decimals: 4)))
        }
        return (parts + ["\(count) \(unit.rawValue)"]).joined(separator: ", ")
    }
}

extension Metric {
    /// Whether people read it in hundredths.
    fileprivate var isShare: Bool { self == .accuracy || self == .exactMatch }
}
