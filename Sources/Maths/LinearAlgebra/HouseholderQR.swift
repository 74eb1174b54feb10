import CKernels

/// X = Q·R for X [m, n] of any sides and rank, by Householder's reflections (Golub and Van Loan, "Matrix Computations",
/// §5.2): Q [m, k] with orthonormal columns, R [k, n] upper trapezoidal, k the lesser of m and n.
///
/// Columns are given and returned as rows, so that they lie together. Squares of elements must not leave fp64.
package struct HouseholderQR: Sendable {
    package let factor: RealMatrix
    /// Row j from place j on is the vector v of I − v·vᵀ/half; what stands before is no part of it.
    private let vectors: RealMatrix
    /// Half the square of each vector; 0 where there is nothing to reflect.
    private let halves: [Double]

    /// - Parameter columns: [n, m], the columns of X.
    package init(columns: RealMatrix) {
        let (count, length) = (columns.rows, columns.columns)
        let order = min(count, length)
        var work = columns.values
        var halves = [Double](repeating: 0, count: order)
        var factor = RealMatrix(rows: order, columns: count)
        unsafe work.withUnsafeMutableBufferPointer { work in
            let start = work.baseAddress
            for step in 0..<order {
                let own = step * length + step
                let rest = length - step
                let norm = unsafe tenon_inner(start, own, start, own, rest).squareRoot()
                if norm > 0 {
                    let first = unsafe work[own]
                    let image = first > 0 ? -norm : norm
                    unsafe work[own] = first - image
                    halves[step] = norm * (norm + first.magnitude)
                    factor[step, step] = image
                }
                for other in step + 1..<max(step + 1, count) {
                    let place = other * length + step
                    if norm > 0 {
                        let share = unsafe tenon_inner(start, own, start, place, rest) / halves[step]
                        unsafe tenon_add_scaled(start, place, start, own, rest, -share)
                    }
                    factor[step, other] = unsafe work[place]
                }
            }
        }
        self.factor = factor
        self.halves = halves
        vectors = RealMatrix(rows: order, columns: length, Array(work.prefix(order * length)))
    }

    /// Q·Y. `columns` [c, k] are the columns of Y; the result [c, m] those of Q·Y.
    package func applied(to columns: RealMatrix) -> RealMatrix {
        let (order, length) = (vectors.rows, vectors.columns)
        precondition(columns.columns == order)
        var result = RealMatrix(rows: columns.rows, columns: length)
        for row in 0..<columns.rows {
            for column in 0..<order { result[row, column] = columns[row, column] }
        }
        for step in (0..<order).reversed() where halves[step] > 0 {
            let own = step * length + step
            for row in 0..<columns.rows {
                let place = row * length + step
                let share =
                    unsafe tenon_inner(result.values, place, vectors.values, own, length - step) / halves[step]
                unsafe tenon_add_scaled(&result.values, place, vectors.values, own, length - step, -share)
            }
        }
        return result
    }
}
