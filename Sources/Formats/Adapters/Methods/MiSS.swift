extension Method {
    /// One small block that is repeated over the input.
    ///
    /// ΔW[:, k·r + i] = value[i, :]ᵀ for every k, value [r, out]; with `init_weights` "mini" value is [r, mini_r] and repeats
    /// over the output as well; with "bat" value is [out/r, r, r] and every r × r block of W changes by W·value + value.
    package static let miss = Method(
        word: "miss", name: "MiSS",
        kinds: [.shards, .bias, .full],
        config: [
            ConfigKey("r", 64, .count),
            ConfigKey("mini_r", 1, .count),
            ConfigKey.start("init_weights"),
            ConfigKey.bias,
            ConfigKey.dropout("miss_dropout"),
        ] + ConfigKey.targets,
        mergeability: .dense,
        formula: "W' = W + the block repeated (bat: W + W·block + block)",
        source: "Kang and Yin, MiSS: Revisiting the Trade-off in LoRA with an Efficient Shard-Sharing Structure, 2024")
}
