import Architectures
package import Diagnostics
package import JSON
package import Kernels
package import Layers
package import Networks

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How good a model is on data it was not trained on.
package struct Evaluation: Hashable, Sendable {
    /// What was answered.
    package enum Unit: String, Sendable {
        case tokens, rows
    }

    /// The mean over what was asked: in nats, or squares of what a value is off.
    package let loss: Double
    /// How many tokens, or rows, were asked.
    package let count: Int
    package let unit: Unit
    /// Those that are defined.
    package let metrics: [Metric: Double]

    package init(loss: Double, count: Int, unit: Unit = .tokens, metrics: [Metric: Double]) {
        self.loss = loss
        self.count = count
        self.unit = unit
        self.metrics = metrics
    }

    /// Reads what ``document`` wrote; nil for anything else.
    init?(_ document: JSONValue) {
        guard let loss = document["loss"]?.double else { return nil }
        let unit: Unit = document["rows"] == nil ? .tokens : .rows
        guard let count = document[unit.rawValue]?.int else { return nil }
        let metrics = Metric.allCases.compactMap { metric in document[metric.key]?.double.map { (metric, $0) } }
        self.init(loss: loss, count: count, unit: unit, metrics: Dictionary(metrics) { $1 })
    }

    package var document: JSONValue {
        var members = JSONObject()
        members["loss"] = JSONValue(loss)
        if let perplexity { members["perplexity"] = JSONValue(perplexity) }
        for metric in Metric.allCases { members[metric.key] = metrics[metric].map { JSONValue($0) } }
        members[unit.rawValue] = JSONValue(count)
        return .object(members)
    }

    /// In full precision, for records.
    var summary: String {
        (["loss \(loss)"] + Metric.allCases.compactMap { metric in metrics[metric].map { "\(metric.rawValue) \($0)" } })
            .joined(separator: ", ")
    }

    /// How many tokens a model is torn between, where tokens are the answers.
    package var perplexity: Double? { unit == .tokens && metrics[.f1] == nil ? exp(loss) : nil }

    /// Evaluates a model on batches, one after the other.
    package static func run<R: Real>(
        _ model: Network<R>, on batches: [Batch], _ engine: Engine<R>
    ) throws(Failure) -> Evaluation {
        var sum = LossSum()
        for batch in batches {
            try Cancellation.check()
            sum = model.loss(batch, addedTo: sum, engine)
        }
        let task = model.architecture.task
        return Evaluation(
            loss: sum.mean, count: sum.count, unit: task.isOfRows ? .rows : .tokens,
            metrics: Metric.values(of: sum, task, classes: model.architecture.labels))
    }
}
