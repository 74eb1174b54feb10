import Adapters
import Architectures
import Diagnostics

extension PlannedMethod {
    /// Every bias, and nothing else (Ben Zaken et al., BitFit, 2022).
    static let bitFit = PlannedMethod(
        word: "bitfit", name: "BitFit",
        sizing: Sizing { input throws(Failure) in
            var size = AdapterSize()
            size.existing = input.architecture.biases
            guard !size.existing.isEmpty else {
                throw Failure(.usage, "the model has no biases", object: input.architecture.modelType)
            }
            return size
        }, keys: ["modules_to_save"])
}
