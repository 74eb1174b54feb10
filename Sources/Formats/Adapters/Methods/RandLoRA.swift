import Architectures
import Diagnostics

extension Method {
    /// Scaled sums of random projections that all modules share.
    ///
    /// ΔW = (α/r)·Σ_j B_j·diag(λ_j)·A·diag(γ_j): `lambda` [r, n], `gamma` [n, min(in, out)], A and B of the `shared`
    /// entry, cut to size, or drawn from `projection_prng_key` where `save_projection` is false.
    package static let randlora = Method(
        word: "randlora", name: "RandLoRA",
        kinds: [.randomBasis, .shared, .bias, .full],
        config: [
            ConfigKey("r", 32, .count),
            ConfigKey("randlora_alpha", 640, .number),
            ConfigKey("projection_prng_key", 0),
            ConfigKey("save_projection", true),
            ConfigKey("sparse", false),
            ConfigKey("very_sparse", false),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            ConfigKey.dropout("randlora_dropout"),
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets(except: ["exclude_modules"]),
        mergeability: .dense,
        formula: "W' = W + (alpha/r)·Σ B_j·diag(lambda_j)·A·diag(gamma_j)",
        source: "Albert et al., RandLoRA: Full-Rank Parameter-Efficient Fine-Tuning of Large Models, 2025",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            let rank = try input.count("r")
            guard rank >= 1 else { throw Failure(.badParameter, "the rank is zero", object: "r") }
            func bases(_ lesser: Int) -> Formula { .quantity("bases", lesser / rank + (lesser % rank).signum()) }
            var size = try input.size(
                groups,
                added: groups.map { group in
                    let lesser = min(group.inputs, group.outputs)
                    return group.tensors([
                        TensorShape("lambda", [group.r, bases(lesser)]),
                        TensorShape("gamma", [bases(lesser), .quantity("min(in, out)", lesser)]),
                    ])
                })
            let widest = [groups.map(\.outputs).max() ?? 0, groups.map(\.inputs).max() ?? 0].sorted()
            let r = Formula.quantity("r", rank)
            size.fixed = [
                TensorGroup(
                    "shared",
                    [
                        TensorShape("A", [r, 1, .quantity("lesser", widest[0])]),
                        TensorShape("B", [.quantity("larger", widest[1]), bases(widest[0]), r]),
                    ])
            ]
            size.storesFixed = input.parameters["save_projection"]?.bool ?? true
            return size
        },
        check: { adapter throws(Failure) in
            try adapter.requireShared([.a, .b], unless: "save_projection")
        })
}
