package import Kernels

extension Engine {
    /// `y[t] += row` for every t.
    func addRow(_ row: Matrix<R>, into y: Matrix<R>) {
        multiply([Term(ones(y.rows), row)], from: .accumulate, into: y)
    }

    /// A column that makes of a row as many as it has, as a factor of a product.
    func ones(_ count: Int) -> Matrix<R> {
        let ones = workspace.matrix(rows: count, columns: 1)
        ones.fill(1)
        return ones
    }

    /// The given rows of x, in their order.
    package func gather(_ rows: [Int], of x: Matrix<R>) -> Matrix<R> {
        let chosen = workspace.matrix(rows: rows.count, columns: x.columns)
        for (place, row) in rows.enumerated() {
            chosen.rows(place..<place + 1).copy(from: x.rows(row..<row + 1))
        }
        return chosen
    }

    /// Puts the rows of `chosen` into the given rows of x.
    package func scatter(_ chosen: Matrix<R>, to rows: [Int], of x: Matrix<R>) {
        for (place, row) in rows.enumerated() {
            x.rows(row..<row + 1).copy(from: chosen.rows(place..<place + 1))
        }
    }
}
