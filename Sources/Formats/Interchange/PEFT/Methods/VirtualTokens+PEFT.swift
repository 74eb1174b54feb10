import Adapters

/// Methods that learn virtual tokens: one tensor for the whole model, and keys without the tuner's own prefix.
extension PEFTMethod {
    private static func virtualTokens(_ type: String, _ method: Method, _ rules: [KeyRule]) -> PEFTMethod {
        let saved = KeyRule("", .full, .value, .tensor, if: .saved)
        return PEFTMethod(type, method, prefix: "base_model.", rules: rules + [saved])
    }

    static let prefixTuning = virtualTokens(
        "PREFIX_TUNING", .prefixTuning, [KeyRule("prompt_embeddings", .prefix, .value, .model)])

    static let promptTuning = virtualTokens(
        "PROMPT_TUNING", .promptTuning, [KeyRule("prompt_embeddings", .prompt, .value, .model)])

    static let pTuning = virtualTokens(
        "P_TUNING", .pTuning, [KeyRule("prompt_embeddings", .prompt, .value, .model)])

    static let multitaskPromptTuning = virtualTokens(
        "MULTITASK_PROMPT_TUNING", .multitaskPromptTuning,
        [
            KeyRule("prompt_embeddings", .prompt, .value, .model),
            KeyRule("prefix_task_cols", .prompt, .taskColumns, .model),
            KeyRule("prefix_task_rows", .prompt, .taskRows, .model),
        ])
}
