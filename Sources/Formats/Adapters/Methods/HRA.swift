import Architectures
import Diagnostics

extension Method {
    /// A chain of Householder reflections of the input.
    ///
    /// W' = W·Π_i (I − 2·u_i·u_iᵀ), u_i the normalized columns of `u` [in, r]; with `apply_GS` they are first made
    /// orthogonal by Gram and Schmidt's procedure.
    package static let hra = Method(
        word: "hra", name: "HRA",
        kinds: [.householder, .bias, .full],
        config: [
            ConfigKey("r", 8, .count),
            ConfigKey("apply_GS", false),
            ConfigKey.bias,
            ConfigKey.start("init_weights"),
        ] + ConfigKey.targets,
        mergeability: .dense,
        formula: "W' = W·Π (I − 2·u_i·u_iᵀ)",
        source:
            "Yuan et al., Bridging the Gap between Low-rank and Orthogonal Adaptation via Householder Reflection Adaptation, 2024",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            return try input.size(
                groups, added: groups.map { $0.tensors([TensorShape("u", [$0.in, $0.r])]) })
        })
}
