import Architectures
import Diagnostics

extension Method {
    /// One prompt for all tasks, scaled by a low-rank matrix per task.
    ///
    /// P_t = P ⊙ (task_columns[t]·task_rows[t]): value [n·submodules, d], columns [tasks, n, ranks], rows [tasks, ranks, d].
    package static let multitaskPromptTuning = Method(
        word: "multitask-prompt-tuning", name: "Multitask prompt tuning",
        kinds: [.prompt, .full],
        config: ConfigKey.virtualTokens + ConfigKey.promptStart + [
            ConfigKey("num_tasks", 1, .count),
            ConfigKey("num_ranks", 1, .count),
            ConfigKey("prompt_tuning_init_state_dict_path", noEffect: "starts the prompt, which is stored"),
            ConfigKey("prompt_tuning_init_task", 0, noEffect: "starts the prompt, which is stored"),
        ],
        mergeability: .none(why: "it adds tokens to the input"),
        formula: "X' = [P ⊙ (columns_t·rows_t); X]",
        source: "Wang et al., Multitask Prompt Tuning Enables Parameter-Efficient Transfer Learning, 2023",
        sizing: Sizing(standard: ["num_virtual_tokens": 20], tokensKey: "num_virtual_tokens") { input throws(Failure) in
            let (tokens, d) = try input.prompt()
            let tasks = Formula.quantity("tasks", try input.count("num_tasks"))
            let ranks = Formula.quantity("ranks", try input.count("num_ranks"))
            var size = AdapterSize()
            size.added = [
                TensorGroup(
                    "prompt",
                    [
                        TensorShape("value", [tokens, d]), TensorShape("task_columns", [tasks, tokens, ranks]),
                        TensorShape("task_rows", [tasks, ranks, d]),
                    ])
            ]
            size.virtualTokens = try tokens.value()
            return size
        })
}
