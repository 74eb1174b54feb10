import Adapters
import Architectures
import Diagnostics

extension PlannedMethod {
    /// Every tensor of the model, trained where it is.
    static let full = PlannedMethod(
        word: "full", name: "Full fine-tuning",
        sizing: Sizing { input throws(Failure) in
            var size = AdapterSize()
            size.existing = input.architecture.groups
            return size
        }, isWholeModel: true)
}
