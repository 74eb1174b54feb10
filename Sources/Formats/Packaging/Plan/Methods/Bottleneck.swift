import Adapters
import Architectures
import Diagnostics

extension PlannedMethod {
    /// A bottleneck after the attention and one after the MLP of every block (Houlsby et al., Parameter-Efficient Transfer
    /// Learning for NLP, 2019). Their norms are left as they are, and what attends to an encoder gets none.
    static let houlsby = PlannedMethod(
        word: "houlsby", name: "Bottleneck (Houlsby)", sizing: bottleneck(perBlock: 2), keys: bottleneckKeys)

    /// One after the MLP of every block (Pfeiffer et al., AdapterFusion, 2020).
    static let pfeiffer = PlannedMethod(
        word: "pfeiffer", name: "Bottleneck (Pfeiffer)", sizing: bottleneck(perBlock: 1), keys: bottleneckKeys)

    private static let bottleneckKeys: Set<String> = ["bottleneck_size", "reduction_factor", "modules_to_save"]

    /// h + W_up·f(W_down·h + b_down) + b_up: W_down [b, d], W_up [d, b].
    private static func bottleneck(perBlock: Int) -> Sizing {
        Sizing(standard: ["reduction_factor": 16], rankKey: "bottleneck_size") { input throws(Failure) in
            let width = input.architecture.hiddenSize
            let factor = try input.count("reduction_factor")
            guard factor >= 1 else { throw Failure(.badParameter, "the factor is zero", object: "reduction_factor") }
            let size = try input.count("bottleneck_size", standard: max(1, width / factor))
            guard size >= 1 else { throw Failure(.badParameter, "the bottleneck is empty", object: "bottleneck_size") }
            let (b, d) = (Formula.quantity("b", size), Formula.quantity("d", width))
            let copies = perBlock * input.architecture.layers
            var result = AdapterSize()
            result.added = [
                TensorGroup(
                    "bottleneck", copies: copies,
                    [
                        TensorShape("down", [b, d]), TensorShape("down.bias", [b]), TensorShape("up", [d, b]),
                        TensorShape("up.bias", [d]),
                    ])
            ]
            result.keptPerToken = [.quantity("bottlenecks", copies) * b]
            return result
        }
    }
}
