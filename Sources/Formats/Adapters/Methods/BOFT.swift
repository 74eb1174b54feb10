import Architectures
import Diagnostics

extension Method {
    /// A product of block-diagonal rotations between butterfly permutations, with a scale per output.
    ///
    /// W' = (W·Rotᵀ) ⊙ s, Rot = Π_i P_i·diag(R_i1 … R_ib)·P_iᵀ, `rotation` [m, blocks, b, b], s [out, 1]. Each block Q is
    /// used through its skew part S = (Q − Qᵀ)/2 as R = (I − S)(I + S)⁻¹. The permutations follow from the shape.
    package static let boft = Method(
        word: "boft", name: "BOFT",
        kinds: [.butterfly, .bias, .full],
        config: [
            ConfigKey("boft_block_size", 4, .natural),
            ConfigKey("boft_block_num", 0, .natural),
            ConfigKey("boft_n_butterfly_factor", 1, .natural),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            ConfigKey.dropout("boft_dropout"),
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets,
        mergeability: .dense,
        formula: "W' = (W·Rotᵀ) ⊙ s, Rot = Π P_i·diag(R_i)·P_iᵀ",
        source: "Liu et al., Parameter-Efficient Orthogonal Finetuning via Butterfly Factorization, 2023",
        sizing: Sizing { input throws(Failure) in
            let groups = try input.groups()
            let factors = try input.count("boft_n_butterfly_factor")
            let count = try input.count("boft_block_num")
            let isGiven = input.parameters["boft_block_size"].map { $0 != .null } ?? false
            let width = count > 0 && !isGiven ? 0 : try input.count("boft_block_size")
            guard (count == 0) != (width == 0), factors >= 1 else {
                throw Failure(
                    .badParameter, "exactly one of boft_block_size and boft_block_num must be zero",
                    actual: "\(width) and \(count)")
            }
            var added: [TensorGroup] = []
            for group in groups {
                let part = max(count, width)
                guard group.inputs % part == 0 else {
                    throw Failure(
                        .badParameter, "the blocks do not divide the inputs", object: group.name,
                        actual: "\(group.inputs) by \(part)")
                }
                let (blocks, size) = width > 0 ? (group.inputs / part, part) : (part, group.inputs / part)
                let b = Formula.quantity("b", size)
                added.append(
                    group.tensors([
                        TensorShape("rotation", [.quantity("m", factors), .quantity("blocks", blocks), b, b]),
                        TensorShape("scale", [group.out, 1]),
                    ]))
            }
            return try input.size(groups, added: added)
        })
}
