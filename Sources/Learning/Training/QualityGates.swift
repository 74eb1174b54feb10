package import Architectures
package import Diagnostics

/// The least of one metric that passes: `accuracy=0.9`.
package struct QualityGate: Hashable, Sendable {
    package let metric: Metric
    package let least: Double

    /// Nil for anything else than `METRIC=NUMBER`.
    package init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let metric = Metric(rawValue: parts[0]), let least = Double(parts[1]), least.isFinite
        else { return nil }
        self.metric = metric
        self.least = least
    }
}

/// What an evaluation has to pass.
package struct QualityGates: Sendable {
    package let maximumLoss: Double?
    package let least: [QualityGate]

    package init(maximumLoss: Double?, least: [QualityGate]) {
        self.maximumLoss = maximumLoss
        self.least = least
    }

    package var isEmpty: Bool { maximumLoss == nil && least.isEmpty }

    /// Why it does not pass, as ``Failure/Code/gateNotMet``; nil where it does. A loss that is no number never passes.
    package func failure(of evaluation: Evaluation) -> Failure? {
        if let maximumLoss, !(evaluation.loss <= maximumLoss) {
            return Failure(
                .gateNotMet, "the loss is too high", expected: "at most \(maximumLoss)", actual: "\(evaluation.loss)")
        }
        for gate in least {
            let value = evaluation.metrics[gate.metric]
            guard value.map({ $0 >= gate.least }) != true else { continue }
            return Failure(
                .gateNotMet, "the \(gate.metric.rawValue) is too low", expected: "at least \(gate.least)",
                actual: value.map { "\($0)" } ?? "not defined, as all answers or all labels are the same")
        }
        return nil
    }

    /// Throws ``Failure/Code/usage`` for a metric that says nothing of a task.
    package func check(_ task: ModelTask) throws(Failure) {
        let known = Metric.all(of: task)
        guard let gate = least.first(where: { !known.contains($0.metric) }) else { return }
        throw Failure(
            .usage, "--min \(gate.metric.rawValue) says nothing of this task", object: task.rawValue,
            hint: "there are \(known.map(\.rawValue).joined(separator: ", "))")
    }
}
