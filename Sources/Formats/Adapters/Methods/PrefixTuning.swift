import Architectures
import Diagnostics

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
        source: "Li and Liang, Prefix-Tuning: Optimizing Continuous Prompts for Generation, 2021",
        sizing: Sizing(standard: ["num_virtual_tokens": 20], tokensKey: "num_virtual_tokens") { input throws(Failure) in
            let stack = input.architecture.stacks.last
            let tokens = Formula.quantity("tokens", try input.count("num_virtual_tokens"))
            let layers = Formula.quantity("layers", try input.count("num_layers", standard: stack?.layers))
            let width = Formula.quantity("d_kv", try input.count("token_dim", standard: stack?.keyWidth))
            let value = TensorGroup("prefix", [TensorShape("value", [2, layers, tokens, width])])
            var size = AdapterSize()
            size.added = [value]
            if input.flag("prefix_projection") {
                let hidden = Formula.quantity(
                    "h", try input.count("encoder_hidden_size", standard: width.value()))
                let wide = Formula.product([2, layers, width])
                size.added = [
                    TensorGroup(
                        "prefix's MLP",
                        [
                            TensorShape("rows", [tokens, width]), TensorShape("W1", [hidden, width]),
                            TensorShape("b1", [hidden]), TensorShape("W2", [wide, hidden]), TensorShape("b2", [wide]),
                        ])
                ]
                size.stored = [value]
            }
            return size
        })
}
