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
    /// Of a labeled token, in nats.
    package let loss: Double
    /// The share of labels that the model thought the likeliest.
    package let accuracy: Double
    package let tokens: Int

    package init(loss: Double, accuracy: Double, tokens: Int) {
        self.loss = loss
        self.accuracy = accuracy
        self.tokens = tokens
    }

    package init(_ sum: LossSum) {
        self.init(loss: sum.mean, accuracy: sum.accuracy, tokens: sum.count)
    }

    /// Reads what ``document`` wrote; nil for anything else.
    init?(_ document: JSONValue) {
        guard let loss = document["loss"]?.double, let accuracy = document["accuracy"]?.double,
            let tokens = document["tokens"]?.int
        else { return nil }
        self.init(loss: loss, accuracy: accuracy, tokens: tokens)
    }

    package var document: JSONValue {
        [
            "loss": JSONValue(loss), "perplexity": JSONValue(perplexity), "accuracy": JSONValue(accuracy),
            "tokens": JSONValue(tokens),
        ]
    }

    package var perplexity: Double { exp(loss) }

    /// Evaluates a model on batches, one after the other.
    package static func run<R: Real>(
        _ model: Network<R>, on batches: [Batch], _ engine: Engine<R>
    ) throws(Failure) -> Evaluation {
        var sum = LossSum()
        for batch in batches {
            try Cancellation.check()
            sum = model.loss(batch, addedTo: sum, engine)
        }
        return Evaluation(sum)
    }
}
