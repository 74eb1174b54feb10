import Adapters
import Diagnostics

/// Configs of understood methods whose factors are no change of the published base's weights.
extension UpdateContext {
    /// Throws ``Failure/Code/notMergeable``.
    func checkMergeable(isResidual: Bool) throws(Failure) {
        guard entry.key.kind == .lora || entry.key.kind == .adalora else { return }
        for (key, why) in Self.refused where isSet(key) { throw .notMergeable(why) }
        guard !isResidual else { return }
        if isSet("kasa_config") {
            throw .notMergeable(
                "KaSA took the smallest singular values out of the base before it trained",
                hint: "keep it as an adapter, or merge it with PEFT, which repeats the decomposition")
        }
        if let start = adapter.parameters["init_lora_weights"]?.string {
            throw .notMergeable(
                "started by \(start), which changes the base: these factors are no change of the published one",
                hint: "save it with PEFT's path_initial_model_for_weight_conversion, or give the base it left behind")
        }
    }

    private static let refused: [(key: String, why: String)] = [
        ("alora_invocation_tokens", "activated LoRA acts only after its invocation tokens"),
        ("layer_replication", "the replicated layers share one weight in the base"),
        ("arrow_config", "Arrow chooses among adapters by token"),
    ]

    private func isSet(_ key: String) -> Bool {
        guard let value = adapter.parameters[key] else { return false }
        return value != .null && value != .bool(false) && value != .list([])
    }
}
