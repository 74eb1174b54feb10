import Architectures
import Diagnostics

extension Method {
    /// Two vectors per module over random projections that all modules share.
    ///
    /// ΔW = (b ⊙ B[:out])·(d ⊙ A[:, :in]) with A [r, max in] and B [max out, r] of the `shared` entry, or drawn from
    /// `projection_prng_key` where `save_projection` is false; d [r] scales the rows of A, b [out] those of B.
    package static let vera = Method(
        word: "vera", name: "VeRA",
        kinds: [.vera, .shared, .bias, .full],
        config: [
            ConfigKey("r", 256, .count),
            ConfigKey("projection_prng_key", 0),
            ConfigKey("save_projection", true),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            ConfigKey("d_initial", 0.1, .number, effect: .none(why: "starts lambda_d, which is stored")),
            ConfigKey.dropout("vera_dropout"),
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets(except: ["exclude_modules"]),
        mergeability: .lowRank,
        formula: "W' = W + (lambda_b ⊙ B)·(lambda_d ⊙ A)",
        source: "Kopiczko et al., VeRA: Vector-based Random Matrix Adaptation, 2023",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            let rank = Formula.quantity("r", try input.count("r"))
            var size = try input.size(
                groups,
                added: groups.map { group in
                    group.tensors([
                        TensorShape("lambda_b", [group.out]), TensorShape("lambda_d", [group.r]),
                    ])
                })
            let inputs = Formula.quantity("max in", groups.map(\.inputs).max() ?? 0)
            let outputs = Formula.quantity("max out", groups.map(\.outputs).max() ?? 0)
            size.fixed = [
                TensorGroup("shared", [TensorShape("A", [rank, inputs]), TensorShape("B", [outputs, rank])])
            ]
            size.storesFixed = input.parameters["save_projection"]?.bool ?? true
            return size
        },
        check: { adapter throws(Failure) in
            try adapter.requireShared([.a, .b], unless: "save_projection")
        })
}

extension Adapter {
    /// Whether a flag of the config is off; absent, it is on.
    private func isOff(_ flag: String) -> Bool { parameters[flag]?.bool == false }

    /// Refuses with ``Failure/Code/kindShape`` an adapter whose entries refer to a shared tensor that is not there.
    func requireShared(_ roles: [Role], unless flag: String? = nil) throws(Failure) -> [Finding] {
        if let flag, isOff(flag) { return [] }
        let shared = entries.first { $0.key.kind == .shared }
        for role in roles where shared?[role] == nil && shared?[role.part(.codes)] == nil {
            throw Failure(
                .kindShape, "the adapter lacks the tensor \(role.word) that its modules share", object: method)
        }
        return []
    }
}
