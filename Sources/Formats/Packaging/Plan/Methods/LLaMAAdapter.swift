import Adapters
import Architectures
import Diagnostics

extension PlannedMethod {
    /// LLaMA-Adapter as its authors have it: a gate for every head, where PEFT's `adaption-prompt` has one for a layer.
    static let llamaAdapter = PlannedMethod(
        word: "llama-adapter", name: "LLaMA-Adapter, a gate per head",
        sizing: Sizing(standard: ["adapter_len": 10], tokensKey: "adapter_len") { input throws(Failure) in
            guard let stack = input.architecture.stacks.last else { return AdapterSize() }
            let layers = try input.count("adapter_layers", standard: min(30, stack.layers))
            guard layers <= stack.layers else {
                throw Failure(
                    .badParameter, "the model has fewer layers", object: "adapter_layers",
                    expected: "at most \(stack.layers)", actual: "\(layers)")
            }
            let tokens = Formula.quantity("tokens", try input.count("adapter_len"))
            var size = AdapterSize()
            size.added = [
                TensorGroup(
                    input.architecture.defaults.attention, copies: layers,
                    [
                        TensorShape("value", [tokens, .quantity("d", input.architecture.hiddenSize)]),
                        TensorShape("gate", [.quantity("heads", stack.heads)]),
                    ])
            ]
            return size
        }, keys: ["adapter_len", "adapter_layers", "modules_to_save"])
}
