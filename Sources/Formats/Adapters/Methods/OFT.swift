import Architectures
import Diagnostics

extension Method {
    /// Block-diagonal rotations of the input.
    ///
    /// W' = W·diag(R₁ … R_n)ᵀ. Each row of `rotation` [n, b(b−1)/2] is the strict upper triangle, by rows, of a skew
    /// Q = U − Uᵀ. R = I + 2Q + 2Q² + … + 2Q^(k−1) + Q^k with k + 1 = `num_cayley_neumann_terms` powers of Q, I included
    /// (a truncated Cayley transform), or (I − Q)(I + Q)⁻¹ where `use_cayley_neumann` is false: the sign of Q differs. With
    /// `block_share` one row serves all blocks; with `coft` Q is first shrunk into a ball of radius `eps`.
    package static let oft = Method(
        word: "oft", name: "OFT",
        kinds: [.orthogonal, .bias, .full],
        config: [
            ConfigKey("r", 0, .natural),
            ConfigKey("oft_block_size", 32, .natural),
            ConfigKey("coft", false),
            ConfigKey("eps", 6e-05, .number),
            ConfigKey("block_share", false),
            ConfigKey("use_cayley_neumann", true),
            ConfigKey("num_cayley_neumann_terms", 5, .natural),
            ConfigKey.fanInFanOut,
            ConfigKey.bias,
            // The sum of the truncated Cayley transform is another one since version 0.18.
            ConfigKey("peft_version"),
            ConfigKey.dropout("module_dropout"),
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets,
        mergeability: .dense,
        formula: "W' = W·diag(R(Q₁) … R(Q_n))ᵀ, Q skew, R a Cayley transform or its truncated series",
        source: "Qiu et al., Controlling Text-to-Image Diffusion by Orthogonal Finetuning, 2023",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups()
            let blocks = try input.count("r")
            let isGiven = input.parameters["oft_block_size"].map { $0 != .null } ?? false
            // PEFT wants exactly one of both, so that a number of blocks alone stands for no size.
            let width = blocks > 0 && !isGiven ? 0 : try input.count("oft_block_size")
            guard (blocks == 0) != (width == 0) else {
                throw Failure(
                    .badParameter, "exactly one of r and oft_block_size must be zero", actual: "\(blocks) and \(width)")
            }
            return try input.size(
                groups,
                added: groups.map { group in
                    let size =
                        width > 0
                        ? divisor(of: group.inputs, nearest: width)
                        : group.inputs / divisor(of: group.inputs, nearest: blocks)
                    let count = input.flag("block_share") ? 1 : group.inputs / size
                    let triangle = Formula.quantity("b(b-1)/2", size * (size - 1) / 2)
                    return group.tensors([TensorShape("rotation", [.quantity("in/b", count), triangle])])
                })
        })

    /// The divisor of a width that is nearest to a number, the lesser of two: PEFT's `adjust_oft_parameters`.
    static func divisor(of width: Int, nearest wanted: Int) -> Int {
        guard wanted < width else { return width }
        let higher = (wanted...width).first { width % $0 == 0 } ?? width
        let lower = stride(from: wanted, through: 1, by: -1).first { width % $0 == 0 } ?? 1
        return wanted - lower <= higher - wanted ? lower : higher
    }
}
