import Architectures
import Diagnostics

extension Method {
    /// The Kronecker product of two small matrices, each of which may be factored.
    ///
    /// ΔW = (α/r)·w1 ⊗ w2, w1 [l, m], w2 [k, n], out = l·k, in = m·n; w1 = w1_a·w1_b and w2 = w2_a·w2_b where factored,
    /// with inner dimension r.
    package static let lokr = Method(
        word: "lokr", name: "LoKr",
        kinds: [.kronecker, .bias, .full],
        config: ConfigKey.lycorisKeys + [
            ConfigKey("decompose_both", false),
            ConfigKey("decompose_factor", -1, .number),
            ConfigKey("rank_dropout_scale", false, noEffect: "acts only while training"),
        ],
        mergeability: .dense,
        formula: "W' = W + (alpha/r)·(w1 ⊗ w2)",
        source:
            "Edalati et al., KronA: Parameter Efficient Tuning with Kronecker Adapter, 2022; Yeh et al., LyCORIS, 2023",
        sizing: Sizing(rankKey: "r") { input throws(Failure) in
            let groups = try input.groups(rankKey: "r")
            let factor = input.parameters["decompose_factor"]?.int ?? -1
            return try input.size(
                groups,
                added: groups.map { group in
                    let (l, k) = factored(group.outputs, by: factor)
                    let (m, n) = factored(group.inputs, by: factor)
                    let isSmall = input.flag("decompose_both") && 2 * group.rank < max(l, m)
                    return group.tensors(
                        kronecker("w1", ("l", l), ("m", m), group.r, isFactored: isSmall)
                            + kronecker("w2", ("k", k), ("n", n), group.r, isFactored: 2 * group.rank < max(k, n)))
                })
        })

    /// One side of the product: whole, or of rank r.
    private static func kronecker(
        _ name: String, _ rows: (String, Int), _ columns: (String, Int), _ r: Formula, isFactored: Bool
    ) -> [TensorShape] {
        let (rows, columns) = (Formula.quantity(rows.0, rows.1), Formula.quantity(columns.0, columns.1))
        guard isFactored else { return [TensorShape(name, [rows, columns])] }
        return [TensorShape(name + "_a", [rows, r]), TensorShape(name + "_b", [r, columns])]
    }

    /// A width as a product of two, as LyCORIS divides it: by the factor where that divides it, else into the two that are
    /// nearest to each other of which the lesser is not beyond the factor (-1: any).
    package static func factored(_ width: Int, by factor: Int) -> (Int, Int) {
        if factor > 0, width % factor == 0 { return (factor, width / factor) }
        let limit = factor == -1 ? width : factor
        var lesser = 1
        for candidate in stride(from: 1, through: min(limit, width), by: 1) {
            if candidate > width / candidate { break }
            if width % candidate == 0 { lesser = candidate }
        }
        return (lesser, width / lesser)
    }
}
