import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// BOFT: W' = (W·Rotᵀ) ⊙ s, Rot = B_m … B₁, B_i = P_i·diag(R_i1 …)·P_iᵀ.
    static let butterfly = UpdateBuilder { context throws(Failure) in
        try context.requireWholeWeight("BOFT")
        let shape = try context.source(.rotation).shape.dimensions
        guard shape.count == 4, shape[2] == shape[3] else {
            throw Failure(.kindShape, "rotations of a butterfly entry are [m, blocks, b, b]")
        }
        let (stages, blocks, side) = (shape[0], shape[1], shape[2])
        let outputs = try context.sides(.scale).rows
        let layout = try context.layout(out: outputs, in: try context.product(blocks, side))
        let permutations = try Butterfly.permutations(stages: stages, blocks: blocks, side: side)
        return [
            context.planned(layout, .map(layout.outputs)) { () throws(Failure) in
                let values = try context.source(.rotation).floats()
                var rotations: [BlockRotation.Stage] = []
                for stage in 0..<stages {
                    var matrices: [SquareMatrix] = []
                    for block in 0..<blocks {
                        let start = (stage * blocks + block) * side * side
                        matrices.append(try SquareMatrix.cayley(skew(values[start..<(start + side * side)], side)))
                    }
                    rotations.append(.init(blocks: matrices, permutation: permutations[stage]))
                }
                return .map(
                    BlockRotation(
                        stages: rotations, scale: try context.source(.scale).floats(), columns: layout.in,
                        axis: layout.outputs))
            }
        ]
    }

    /// (Q − Qᵀ)/2.
    private static func skew(_ values: ArraySlice<Float>, _ side: Int) -> SquareMatrix {
        let q = SquareMatrix(side: side, values.map(Double.init))
        var skew = q
        for i in 0..<side {
            for j in 0..<side { skew[i, j] = (q[i, j] - q[j, i]) / 2 }
        }
        return skew
    }
}

/// The permutations between the stages of a butterfly.
enum Butterfly {
    /// One for each stage, or nil where there is but one. That of stage i sorts every block of b·2ⁱ elements: in runs of
    /// b/2, the even runs first.
    ///
    /// Throws ``Failure/Code/kindShape`` where blocks cannot be halved so often.
    static func permutations(stages: Int, blocks: Int, side: Int) throws(Failure) -> [[Int]?] {
        if stages == 1 { return [nil] }
        guard stages >= 1, stages < 62, side % 2 == 0, blocks % (1 << (stages - 1)) == 0 else {
            throw Failure(.kindShape, "\(blocks) blocks of side \(side) cannot be in \(stages) butterfly stages")
        }
        let count = blocks * side
        return (0..<stages).map { stage in
            let length = side << stage
            let run = side / 2
            let runs = length / run
            let order = Array(stride(from: 0, to: runs, by: 2)) + Array(stride(from: 1, to: runs, by: 2))
            let sorted = order.flatMap { ($0 * run)..<(($0 + 1) * run) }
            return stride(from: 0, to: count, by: length).flatMap { start in sorted.map { start + $0 } }
        }
    }
}
