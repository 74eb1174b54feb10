extension Method {
    /// The difference of two checkpoints, not trained but computed: `Spec/deltas.md`.
    package static let delta = Method(
        word: "delta", name: "Delta",
        kinds: [.exact, .sparse, .full, .extend, .removed, .alias, .correction, .lora, .signs, .dense, .bias],
        config: [
            ConfigKey("result_root"),
            ConfigKey("stage", noEffect: "says what a file is for: a correction undoes what another file did"),
        ],
        mergeability: .dense,
        formula: "W' = the tensor of another checkpoint",
        source: "Spec/deltas.md",
        check: DeltaRules.check)
}
