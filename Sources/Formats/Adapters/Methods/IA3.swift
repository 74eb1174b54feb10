extension Method {
    /// One vector per module that scales its outputs, or its inputs where it is a feed-forward module.
    ///
    /// W' = W ⊙ l with l [out, 1], and bias' = bias ⊙ l; or l [1, in] for `feedforward_modules`, the bias left alone.
    package static let ia3 = Method(
        word: "ia3", name: "(IA)³",
        kinds: [.ia3, .bias, .full],
        config: [
            ConfigKey("feedforward_modules", isSet: true),
            ConfigKey.fanInFanOut,
            ConfigKey.start("init_ia3_weights"),
        ] + ConfigKey.targets(except: ["layers_to_transform", "layers_pattern"]),
        mergeability: .dense,
        formula: "W' = W ⊙ l",
        source:
            "Liu et al., Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning, 2022")
}
