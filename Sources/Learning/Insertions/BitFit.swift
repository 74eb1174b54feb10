package import Adapters
package import Diagnostics
package import Kernels
package import Layers

/// Every bias of the base, and nothing else (Ben Zaken et al., BitFit, 2022).
package struct BitFit: TrainableMethod {
    package let word = "bitfit"
    package let method = Method.delta
    package let learningRate = 1e-3
    package let standard: Parameters = [:]
    package let kinds: [Kind] = [.bias]

    package init() {}

    package func insert<R: Real>(
        _ plan: InsertionPlan, into sites: Sites<R>, _ engine: Engine<R>
    ) throws(Failure) -> Inserted<R> {
        try plan.parameters.checkTrainable(TrainingKeys.delta)
        let biases = sites.parameters.filter { $0.name.hasSuffix(".bias") }
        guard !biases.isEmpty else {
            throw Failure(
                .usage, "the base has no biases that BitFit could train", hint: "Qwen2 has some; LLaMA has none")
        }
        return try .base(biases, kind: .bias, plan)
    }
}
