import Adapters
import Diagnostics

extension UpdateBuilder {
    /// OFT: W' = W·diag(R₁ … R_n)ᵀ, each R a Cayley transform, or a truncated one, of a skew Q.
    static let orthogonal = UpdateBuilder { context throws(Failure) in
        try context.requireWholeWeight("OFT")
        let rotation = try context.sides(.rotation)
        guard let side = Skew.side(ofTriangle: rotation.columns) else {
            throw Failure(.kindShape, "a row of \(rotation.columns) elements is no strict triangle")
        }
        let isShared = rotation.rows == 1
        let layout = isShared ? try context.layout() : try context.layout(in: try context.product(rotation.rows, side))
        guard layout.in % side == 0 else {
            throw context.mismatch(try context.tensor(), expected: "inputs in multiples of \(side)")
        }
        let radius = context.flag("coft") ? try context.number("eps", default: 6e-5) : nil
        let terms =
            context.flag("use_cayley_neumann", default: true)
            ? try context.integer("num_cayley_neumann_terms", default: 5) : nil
        // Each term is a product of matrices; a series of so many is no use to anyone.
        guard (terms ?? 0) <= 1000 else {
            throw Failure(
                .badParameter, "num_cayley_neumann_terms is out of range", expected: "at most 1000",
                actual: "\(terms ?? 0)")
        }
        return [
            context.planned(layout, .map(layout.outputs)) { () throws(Failure) in
                let triangles = try context.matrix(.rotation)
                var blocks: [SquareMatrix] = []
                for row in 0..<triangles.rows {
                    var q = Skew.matrix(triangles, row: row, side: side)
                    if let radius { Skew.shrink(&q, into: radius / Double(triangles.rows).squareRoot()) }
                    if let terms {
                        blocks.append(.truncatedCayley(q, terms: terms))
                    } else {
                        blocks.append(try .cayley(q))
                    }
                }
                return .map(
                    BlockRotation(
                        stages: [.init(blocks: blocks, permutation: nil)], scale: [], columns: layout.in,
                        axis: layout.outputs))
            }
        ]
    }
}

/// Skew matrices, of which strict upper triangles are stored by rows.
enum Skew {
    /// The side b of a matrix whose strict triangle has b(b − 1)/2 elements.
    static func side(ofTriangle count: Int) -> Int? {
        let side = Int((Double(2 * count) + 0.25).squareRoot() + 0.5)
        return side >= 2 && side * (side - 1) / 2 == count ? side : nil
    }

    /// Q = U − Uᵀ.
    static func matrix(_ triangles: Matrix, row: Int, side: Int) -> SquareMatrix {
        var q = SquareMatrix(side: side, [Double](repeating: 0, count: side * side))
        var place = 0
        for i in 0..<side {
            for j in (i + 1)..<max(side, i + 1) {
                q[i, j] = Double(triangles[row, place])
                q[j, i] = -q[i, j]
                place += 1
            }
        }
        return q
    }

    /// Scales a matrix whose Frobenius norm is above `radius` to that norm.
    static func shrink(_ q: inout SquareMatrix, into radius: Double) {
        let norm = q.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm > radius else { return }
        for index in q.values.indices { q.values[index] *= radius / norm }
    }
}
