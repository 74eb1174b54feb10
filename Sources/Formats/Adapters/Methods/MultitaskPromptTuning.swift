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
        source: "Wang et al., Multitask Prompt Tuning Enables Parameter-Efficient Transfer Learning, 2023")
}
