import Adapters
import Diagnostics

/// The keys that several methods can train with.
enum TrainingKeys {
    /// Of those that learn vectors in front of every row.
    static let virtualTokens: Set<String> = [
        "num_virtual_tokens", "token_dim", "num_transformer_submodules", "num_attention_heads", "num_layers",
        "task_type",
    ]
    /// Of those that train tensors of the base itself.
    static let delta: Set<String> = ["result_root", "stage", "task_type"]
}

extension Parameters {
    /// Refuses keys that training would ignore though they change the function, and values of `words` that it does not know.
    ///
    /// Throws ``Failure/Code/badParameter``.
    func checkTrainable(_ known: Set<String>, words: [String: [ParameterValue]] = [:]) throws(Failure) {
        let neutral: [ParameterValue] = [.null, .bool(false), .list([]), .map([])]
        if let other = members.first(where: { !known.contains($0.key) && !neutral.contains($0.value) }) {
            throw Failure(
                .badParameter, "training does not know this key of the config", object: other.key,
                actual: other.value.summary)
        }
        for (key, values) in words.sorted(by: { $0.key < $1.key }) {
            guard let value = self[key], !values.contains(value) else { continue }
            throw Failure(
                .badParameter, "training does not know this value of the config", object: key, actual: value.summary)
        }
    }

    /// `lora_dropout`: 0 to less than 1.
    func dropout() throws(Failure) -> Double {
        let dropout = self["lora_dropout"]?.double ?? 0
        guard dropout >= 0, dropout < 1 else {
            throw Failure(
                .badParameter, "so large a share cannot be left out", object: "lora_dropout",
                expected: "0 to less than 1", actual: "\(dropout)")
        }
        return dropout
    }
}
