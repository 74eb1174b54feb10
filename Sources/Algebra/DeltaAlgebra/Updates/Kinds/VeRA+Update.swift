import Adapters
import Diagnostics

extension UpdateBuilder {
    /// ΔW = (b ⊙ B[:out])·(d ⊙ A[:, :in]).
    static let vera = UpdateBuilder { context throws(Failure) in
        let out = try context.sides(.lambdaB).rows
        let rank = try context.sides(.lambdaD).rows
        let layout = try context.layout(out: out)
        let scale = Float(context.weight)
        if scale == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                let (a, b) = try context.shared.veraProjections(rank: rank)
                guard a.rows == rank, b.columns == rank, a.columns >= layout.in, b.rows >= layout.out else {
                    throw Failure(
                        .kindShape, "the shared projections are too small",
                        expected: "A [\(rank), ≥ \(layout.in)], B [≥ \(out), \(rank)]",
                        actual: "A [\(a.rows), \(a.columns)], B [\(b.rows), \(b.columns)]")
                }
                return .sum(
                    LowRank(
                        b: b.cropped(rows: out, columns: rank).scalingRows(by: try context.source(.lambdaB).floats()),
                        a: a.cropped(rows: rank, columns: layout.in)
                            .scalingRows(by: try context.source(.lambdaD).floats()), scale: scale, layout))
            }
        ]
    }
}
