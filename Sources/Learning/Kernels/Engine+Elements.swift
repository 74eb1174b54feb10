import CKernels

extension Engine {
    /// `y += x`.
    public func add(_ x: Matrix<R>, into y: Matrix<R>) {
        requireSame(x, y)
        forRanges(x.rows, work: x.columns) { rows in unsafe R.kernels.add(x.view, y.view, rows) }
    }

    /// `x *= factor`.
    public func scale(_ x: Matrix<R>, by factor: R) {
        forRanges(x.rows, work: x.columns) { rows in unsafe R.kernels.scale(x.view, Double(factor), rows) }
    }

    /// `y[t, j] = x[t, j] · row[j]`; `y` may be `x`.
    public func scaleColumns(_ x: Matrix<R>, by row: Matrix<R>, into y: Matrix<R>) {
        requireSame(x, y)
        requireRow(row, for: x)
        forRanges(x.rows, work: x.columns) { rows in unsafe R.kernels.scale_columns(x.view, row.view, y.view, rows) }
    }

    /// `y[t, j] = x[t, j] · column[t]`; `y` may be `x`.
    public func scaleRows(_ x: Matrix<R>, by column: Matrix<R>, into y: Matrix<R>) {
        requireSame(x, y)
        requireColumn(column, for: x)
        forRanges(x.rows, work: x.columns) { rows in unsafe R.kernels.scale_rows(x.view, column.view, y.view, rows) }
    }

    // MARK: Sums

    /// `row[j] += Σ_t g[t, j]`, as one chain for each column: the gradient of a bias.
    public func addColumnSums(of g: Matrix<R>, into row: Matrix<R>) {
        requireRow(row, for: g)
        forRanges(g.columns, work: g.rows, multiple: 64) { columns in
            unsafe R.kernels.column_sums(g.view, row.view, columns)
        }
    }

    /// `row[j] += Σ_t g[t, j] · y[t, j]`, as one chain of fused multiply-adds for each column: the gradient of a scale.
    public func addColumnSums(of g: Matrix<R>, times y: Matrix<R>, into row: Matrix<R>) {
        requireSame(g, y)
        requireRow(row, for: g)
        forRanges(g.columns, work: g.rows, multiple: 64) { columns in
            unsafe R.kernels.column_sums_of_products(g.view, y.view, row.view, columns)
        }
    }

    /// `column[i] = Σ_j x[i, j]²`, summed in fp64.
    public func rowSquares(_ x: Weight<R>, into column: Matrix<R>) {
        require(column.rows == x.rows && column.columns == 1, "squares of \(x.rows) rows into \(column.shape)")
        let ranges = (x.rows + 63) / 64
        unsafe forEachWithScratch(ranges) { index, scratch in
            let rows = tenon_range(from: index * 64, to: min(x.rows, (index + 1) * 64))
            unsafe R.kernels.row_squares(x.operand(isTransposed: false), x.columns, column.view, rows, scratch)
        }
    }

    /// `Σ x²` in fp64, summed by blocks of 64 rows, whoever sums them.
    public func squaredNorm(_ x: Matrix<R>) -> Double {
        let parts = Matrix<Double>(rows: 1, columns: (x.rows + 63) / 64)
        forEach(parts.columns) { index in
            let rows = tenon_range(from: index * 64, to: min(x.rows, (index + 1) * 64))
            parts[0, index] = unsafe R.kernels.squared_norm(x.view, rows)
        }
        return parts.values.reduce(0, +)
    }

    // MARK: Dropout

    /// Zeros numbers at `rate` and divides the others by `1 − rate` (Srivastava et al., 2014); `y` may be `x`.
    ///
    /// The key and a number's place, `firstPlace + t · columns + j`, decide whether it stays; so the same call on a gradient
    /// is its way back, and no mask is kept.
    public func dropout(_ x: Matrix<R>, rate: R, key: UInt64, firstPlace: Int = 0, into y: Matrix<R>) {
        requireSame(x, y)
        require(rate >= 0 && rate < 1, "a rate of \(rate)")
        forRanges(x.rows, work: 4 * x.columns) { rows in
            unsafe R.kernels.dropout(
                x.view, Double(rate), key, UInt64(truncatingIfNeeded: firstPlace), y.view, rows)
        }
    }
}
