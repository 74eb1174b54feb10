extension Method {
    /// Keys and values of virtual tokens in front of every layer's own.
    ///
    /// value [n, layers·2·d] read as [n, 2·layers, heads, d/heads]: of each layer the keys, then the values. Where an MLP made
    /// the prefix (`prefix_projection`), its output is what is stored.
    package static let prefixTuning = Method(
        word: "prefix-tuning", name: "Prefix tuning",
        kinds: [.prefix, .full],
        config: ConfigKey.virtualTokens + [
            ConfigKey("prefix_projection", false),
            ConfigKey("encoder_hidden_size", .null, .count),
            ConfigKey("init_weights", effect: .except([true, false], why: "starts the prefix, which is stored")),
        ],
        mergeability: .none(why: "it adds keys and values to the attention of every layer"),
        formula: "K' = [P_K; K], V' = [P_V; V]",
        source: "Li and Liang, Prefix-Tuning: Optimizing Continuous Prompts for Generation, 2021")
}
