import CKernels

/// The angles of rotary position embeddings (Su et al., 2021): cosines and sines, [positions, half the dimension].
public struct RotaryTable<R: Real>: Sendable {
    /// Which numbers of a head are a pair.
    public enum Layout: Sendable {
        /// `j` and `j + half`, as LLaMA has it in Hugging Face's weights.
        case halves
        /// `2j` and `2j + 1`.
        case interleaved
    }

    /// Of each position and pair.
    public let cosines: Matrix<R>
    /// Of each position and pair.
    public let sines: Matrix<R>
    /// Which numbers are a pair.
    public let layout: Layout

    /// A table of both, already scaled where the model scales them.
    public init(cosines: Matrix<R>, sines: Matrix<R>, layout: Layout = .halves) {
        requireSame(cosines, sines)
        self.cosines = cosines
        self.sines = sines
        self.layout = layout
    }
}

extension Engine {
    /// Turns the pairs of each head of `x`, [rows, heads · size], in place by the angles of each row's position; `inverse`
    /// turns back, which is the gradient's way. What a head has beyond the table's pairs stays.
    public func rotate(
        _ x: Matrix<R>, heads: Int, by table: RotaryTable<R>, positions: [Int32], inverse: Bool = false
    ) {
        require(heads > 0 && x.columns % heads == 0, "\(heads) heads in \(x.shape)")
        require(2 * table.cosines.columns <= x.columns / heads, "\(table.cosines.columns) pairs in \(x.shape)")
        require(positions.count == x.rows, "\(positions.count) positions for \(x.shape)")
        require(
            positions.allSatisfy { $0 >= 0 && Int($0) < table.cosines.rows },
            "a position beyond \(table.cosines.rows)")
        forRanges(x.rows, work: 2 * x.columns) { rows in
            unsafe R.kernels.rotate(
                x.view, heads, table.cosines.view, table.sines.view, positions,
                table.layout == .interleaved ? 1 : 0, inverse ? 1 : 0, rows)
        }
    }
}
