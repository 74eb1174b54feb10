import CKernels

extension Engine {
    /// `x[t] = table[tokens[t]]`, widened.
    public func embed(_ tokens: [Int32], table: Weight<R>, into x: Matrix<R>) {
        requireTokens(tokens, x, rows: table.rows, columns: table.columns)
        forRanges(x.rows, work: x.columns) { rows in
            unsafe R.kernels.embed(tokens, table.operand(isTransposed: false), x.view, rows)
        }
    }

    /// `table[tokens[t]] += dx[t]`, for t ascending.
    public func embedBackward(_ tokens: [Int32], gradient dx: Matrix<R>, into table: Matrix<R>) {
        requireTokens(tokens, dx, rows: table.rows, columns: table.columns)
        forRanges(dx.columns, work: dx.rows, multiple: 16) { columns in
            unsafe R.kernels.embed_backward(tokens, dx.view, table.view, columns)
        }
    }

    private func requireTokens(_ tokens: [Int32], _ x: Matrix<R>, rows: Int, columns: Int) {
        require(tokens.count == x.rows && x.columns == columns, "\(tokens.count) tokens, x \(x.shape)")
        require(tokens.allSatisfy { $0 >= 0 && Int($0) < rows }, "a token beyond \(rows)")
    }
}
