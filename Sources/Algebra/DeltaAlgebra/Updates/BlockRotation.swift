/// A product of block-diagonal rotations of a row's elements, each between a permutation and its inverse, and a scale
/// per row: W' = (W·Rotᵀ) ⊙ s.
///
/// Sums are in fp64 with ascending columns; each element is rounded once in the end.
struct BlockRotation: RowUpdate {
    let stages: [Stage]
    /// One a row, or none.
    let scale: [Float]
    let columns: Int
    let axis: UpdateAxis

    /// w' = P·diag(R₁ …)·Pᵀ·w.
    struct Stage: Sendable {
        /// One for every block, or one for all.
        let blocks: [SquareMatrix]
        /// (P·x)[i] = x[permutation[i]]; nil where P is the identity.
        let permutation: [Int]?
    }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        var before = [Double](repeating: 0, count: columns)
        var after = before
        for row in rows {
            let start = (row - rows.lowerBound) * columns
            for column in 0..<columns { before[column] = Double(weights[start + column]) }
            for stage in stages {
                stage.rotate(&before, &after)
            }
            let factor = scale.isEmpty ? 1 : Double(scale[row])
            for column in 0..<columns { weights[start + column] = Float(before[column] * factor) }
        }
    }
}

extension BlockRotation.Stage {
    /// Rotates `vector`; `room` is as long.
    fileprivate func rotate(_ vector: inout [Double], _ room: inout [Double]) {
        if let permutation {
            for (index, place) in permutation.enumerated() { room[place] = vector[index] }
            swap(&vector, &room)
        }
        let side = blocks[0].side
        for block in 0..<(vector.count / side) {
            let rotation = blocks[blocks.count == 1 ? 0 : block]
            let start = block * side
            for row in 0..<side {
                var sum = 0.0
                for column in 0..<side { sum += rotation.values[row * side + column] * vector[start + column] }
                room[start + row] = sum
            }
        }
        swap(&vector, &room)
        if let permutation {
            for (index, place) in permutation.enumerated() { room[index] = vector[place] }
            swap(&vector, &room)
        }
    }
}
