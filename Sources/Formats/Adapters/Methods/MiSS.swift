import Architectures
import Diagnostics

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
        source: "Kang and Yin, MiSS: Revisiting the Trade-off in LoRA with an Efficient Shard-Sharing Structure, 2024",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            let form = input.parameters["init_weights"]?.string
            let small = Formula.quantity("mini_r", try input.count("mini_r"))
            var added: [TensorGroup] = []
            for group in groups {
                guard group.rank >= 1, group.rank <= group.inputs, form != "bat" || group.outputs % group.rank == 0
                else {
                    throw Failure(
                        .badParameter, "blocks of this rank do not fit a layer", object: group.name,
                        actual: "\(group.rank)")
                }
                let shape: [Formula] =
                    switch form {
                    case "bat": [.quantity("out/r", group.outputs / group.rank), group.r, group.r]
                    case "mini": [group.r, small]
                    default: [group.r, group.out]
                    }
                added.append(group.tensors([TensorShape("value", shape)]))
            }
            return try input.size(groups, added: added)
        })
}
