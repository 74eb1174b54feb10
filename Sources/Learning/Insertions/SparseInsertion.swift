import Kernels
import Layers

/// y += x·Sᵀ, S zero but for trained values at fixed places.
///
/// S is laid out for one linear at a time, and the gradient of a block of its rows, of which the places are kept.
final class SparseInsertion<R: Real>: ProjectionInsertion, @unchecked Sendable {
    private let value: Parameter<R>
    private let places: SparsePlaces
    /// Which linear of its projection.
    private let place: Int
    private let linearCount: Int
    /// Rows of a block.
    private static var height: Int { 256 }

    init(_ value: Parameter<R>, _ places: SparsePlaces, at place: Int, of projection: Projection<R>) {
        self.value = value
        self.places = places
        self.place = place
        linearCount = projection.linears.count
    }

    var parameters: [Parameter<R>] { [value] }

    func terms(_ x: Matrix<R>, saving saved: inout Saved<R>, _ pass: Pass<R>) -> [[Term<R>]] {
        var terms = [[Term<R>]](repeating: [], count: linearCount)
        terms[place] = [Term(x, spread(value.value, 0..<places.rows, pass), transposed: true)]
        return terms
    }

    func termsBackward(
        _ x: Matrix<R>, gradients: [Matrix<R>], saved: inout Saved<R>, needsInputGradient: Bool, _ pass: Pass<R>
    ) -> [Term<R>] {
        let gradient = gradients[place]
        for first in stride(from: 0, to: places.rows, by: Self.height) {
            let rows = first..<min(first + Self.height, places.rows)
            let block = spread(value.gradient, rows, pass)
            pass.engine.multiply([Term(gradient.columns(rows), transposed: true, x)], from: .accumulate, into: block)
            collect(block, rows)
        }
        return needsInputGradient ? [Term(gradient, spread(value.value, 0..<places.rows, pass))] : []
    }

    /// Some rows of the matrix that has `numbers` at the places, and zeros elsewhere.
    private func spread(_ numbers: Matrix<R>, _ rows: Range<Int>, _ pass: Pass<R>) -> Matrix<R> {
        let matrix = pass.engine.workspace.matrix(rows: rows.count, columns: places.columns)
        matrix.fill(0)
        unsafe numbers.withRow(0) { numbers in
            for row in rows {
                unsafe matrix.withRow(row - rows.lowerBound) { line in
                    for k in places.start[row]..<places.start[row + 1] {
                        unsafe line[Int(places.column[k])] = unsafe numbers[k]
                    }
                }
            }
        }
        return matrix
    }

    /// Puts what a block of rows has at the places into the gradient.
    private func collect(_ block: Matrix<R>, _ rows: Range<Int>) {
        unsafe value.gradient.withRow(0) { numbers in
            for row in rows {
                unsafe block.withRow(row - rows.lowerBound) { line in
                    for k in places.start[row]..<places.start[row + 1] {
                        unsafe numbers[k] = unsafe line[Int(places.column[k])]
                    }
                }
            }
        }
    }
}
