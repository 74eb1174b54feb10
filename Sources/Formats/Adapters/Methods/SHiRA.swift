import Architectures
import Diagnostics

extension Method {
    /// Changes of a few weights, at places that are stored.
    ///
    /// ΔW is zero but for ΔW[indices[0, k], indices[1, k]] = value[k]; `indices` [2, n], value [n], n = r·(in + out).
    package static let shira = Method(
        word: "shira", name: "SHiRA",
        kinds: [.sparse, .bias, .full],
        config: [
            ConfigKey("r", 32, .count),
            ConfigKey("mask_type", "random"),
            ConfigKey("random_seed", noEffect: "chose the places, which are stored"),
            ConfigKey.fanInFanOut,
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets(except: ["exclude_modules", "layers_to_transform", "layers_pattern"]),
        mergeability: .dense,
        formula: "W' = W + sparse(indices, values)",
        source: "Bhardwaj et al., Sparse High Rank Adapters, 2024",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            for group in groups
            where Double(group.rank) * Double(group.inputs + group.outputs)
                > Double(group.inputs) * Double(group.outputs)
            {
                throw Failure(
                    .badParameter, "a layer has fewer weights than this rank changes", object: group.name,
                    actual: "\(group.rank)")
            }
            var size = try input.size(
                groups, added: groups.map { $0.tensors([TensorShape("value", [$0.r, .sum([$0.in, $0.out])])]) })
            size.indices = groups.map { $0.tensors([TensorShape("indices", [2, $0.r, .sum([$0.in, $0.out])])]) }
            return size
        })
}
