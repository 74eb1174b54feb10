import Adapters
import Diagnostics

extension UpdateBuilder {
    /// ΔW = s·B·(E ⊙ A), s = α/(init_r + 10⁻⁵): the scale stays what it was before pruning.
    static let adalora = UpdateBuilder { context throws(Failure) in
        let a = try context.sides(.a)
        let layout = try context.layout(out: try context.sides(.b).rows, in: a.columns)
        let alpha = try context.number("lora_alpha", pattern: "alpha_pattern", default: 8)
        let rank = Double(try context.integer("init_r", default: 12))
        // PEFT takes the rank for an alpha that is not positive.
        let scale = Float((alpha > 0 ? alpha : rank) / (rank + 1e-5) * context.weight)
        if context.weight == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                let a = try context.matrix(.a).scalingRows(by: try context.source(.e).floats())
                return .sum(LowRank(b: try context.matrix(.b), a: a, scale: scale, layout))
            }
        ]
    }
}
