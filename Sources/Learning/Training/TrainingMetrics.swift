package import JSON

/// What a step of training came to: a line of `metrics.jsonl`.
package struct TrainingMetrics: Hashable, Sendable {
    /// Counted from 1.
    package let step: Int
    /// The mean over labeled tokens, in nats.
    package var loss: Double
    package var learningRate: Double
    /// Of all gradients, before they were clipped.
    package var gradientNorm: Double
    /// Labeled tokens of the step's batch.
    package var tokens: Int
    package var evaluation: Evaluation?
    /// Of this step, what was saved before it included; nil where nobody measured.
    package var tokensPerSecond: Double?
    package var peakMemoryBytes: Int?

    package init(step: Int, loss: Double, learningRate: Double, gradientNorm: Double, tokens: Int) {
        self.step = step
        self.loss = loss
        self.learningRate = learningRate
        self.gradientNorm = gradientNorm
        self.tokens = tokens
    }

    package var document: JSONValue {
        let numbers: JSONValue = [
            "step": JSONValue(step), "loss": JSONValue(loss), "learningRate": JSONValue(learningRate),
            "gradientNorm": JSONValue(gradientNorm), "tokens": JSONValue(tokens),
            "tokensPerSecond": tokensPerSecond.map { JSONValue($0) } ?? nil,
            "peakMemoryBytes": peakMemoryBytes.map { JSONValue($0) } ?? nil,
        ]
        var members = numbers.object ?? JSONObject()
        for (key, value) in evaluation?.document.object?.members ?? [] {
            members["eval" + key.prefix(1).uppercased() + key.dropFirst()] = value
        }
        return .object(members)
    }

    /// Reads a line that ``document`` wrote; nil for anything else.
    init?(_ document: JSONValue) {
        guard let step = document["step"]?.int, let loss = document["loss"]?.double,
            let rate = document["learningRate"]?.double, let norm = document["gradientNorm"]?.double,
            let tokens = document["tokens"]?.int
        else { return nil }
        self.init(step: step, loss: loss, learningRate: rate, gradientNorm: norm, tokens: tokens)
        tokensPerSecond = document["tokensPerSecond"]?.double
        peakMemoryBytes = document["peakMemoryBytes"]?.int
        let members = (document.object?.members ?? []).filter { $0.key.hasPrefix("eval") }
        var evaluation = JSONObject()
        for (key, value) in members { evaluation[key.dropFirst(4).prefix(1).lowercased() + key.dropFirst(5)] = value }
        self.evaluation = Evaluation(.object(evaluation))
    }
}
