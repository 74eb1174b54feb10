package import Diagnostics

/// The least of one metric that passes: `accuracy=0.9`.
package struct QualityGate: Hashable, Sendable {
    package enum Metric: String, CaseIterable, Sendable {
        case accuracy
    }

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
        for gate in least where !(evaluation.accuracy >= gate.least) {
            return Failure(
                .gateNotMet, "the \(gate.metric.rawValue) is too low", expected: "at least \(gate.least)",
                actual: "\(evaluation.accuracy)")
        }
        return nil
    }
}
