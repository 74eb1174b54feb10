import Diagnostics
import Parallelism

extension Panel {
    /// A panel whose first `count` columns are orthonormal and span what those of this one do.
    ///
    /// Cholesky-QR with a Gram matrix in fp64, repeated until the columns are orthonormal to fp32: twice for columns that
    /// are far from dependent, else once more behind a shift. Columns of zeros stay zero; one that depends on others to
    /// rounding becomes some unit vector.
    func orthonormalized(_ count: Int, _ lanes: Lanes) throws(Failure) -> Panel {
        var panel = self
        for _ in 0..<4 {
            let gram = try panel.gram(lanes)
            if gram.isIdentity(count) { break }
            let trace = (0..<count).reduce(0) { $0 + gram[$1, $1] }
            let inverse = gram.inverseCholeskyFactor(count: count, shift: trace * Double(rows + count) * 0x1p-50)
            panel = try panel.multiplied(by: inverse, lanes)
        }
        return panel
    }
}

extension SquareMatrix {
    /// Whether the leading part is the identity to the precision of fp32, but for zeros on its diagonal.
    fileprivate func isIdentity(_ count: Int) -> Bool {
        for row in 0..<count {
            for column in 0..<count {
                let value = self[row, column]
                let goal: Double = row == column && value != 0 ? 1 : 0
                if (value - goal).magnitude > 0x1p-20 { return false }
            }
        }
        return true
    }
}
