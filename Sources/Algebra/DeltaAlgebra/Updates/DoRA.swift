import Diagnostics

/// W' = m ⊙ (W + ΔW)/‖W + ΔW‖, row by row (Liu et al. 2024).
///
/// v = RN32(W + ΔW); the norm is in fp64 over 16 partial sums by column mod 16, added as a tree; W' = RN32(RN32(m/‖v‖)·v).
/// W is what other updates have left when this one comes.
struct DoRA: RowUpdate {
    /// ΔW, [rows, columns] as the update sees them.
    let change: LowRank
    let magnitude: [Float]
    let axis: UpdateAxis

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) throws(Failure) {
        let columns = change.right.columns
        guard magnitude.count == change.left.rows else {
            throw Failure(
                .kindShape, "the magnitude has not one element for every output", expected: "\(change.left.rows)",
                actual: "\(magnitude.count)")
        }
        var sum = [Float](repeating: 0, count: columns)
        for row in rows {
            let start = (row - rows.lowerBound) * columns
            for column in 0..<columns { sum[column] = 0 }
            var span = sum.mutableSpan
            change.add(rows: row..<(row + 1), to: &span)
            for column in 0..<columns { weights[start + column] += sum[column] }
            let norm = Self.norm(weights, start, columns)
            let factor = Float(Double(magnitude[row]) / norm)
            for column in 0..<columns { weights[start + column] *= factor }
        }
    }

    private static func norm(_ weights: borrowing MutableSpan<Float>, _ start: Int, _ count: Int) -> Double {
        var sums = [Double](repeating: 0, count: 16)
        for column in 0..<count {
            let value = Double(weights[start + column])
            sums[column % 16] += value * value
        }
        for width in [8, 4, 2, 1] {
            for index in 0..<width { sums[index] += sums[index + width] }
        }
        return sums[0].squareRoot()
    }
}
