import Adapters
import Diagnostics

extension UpdateBuilder {
    /// HRA: W' = W·Π_i (I − 2·u_i·u_iᵀ), u_i the normalized columns of u.
    static let householder = UpdateBuilder { context throws(Failure) in
        try context.requireWholeWeight("HRA")
        let u = try context.sides(.u)
        let layout = try context.layout(in: u.rows)
        let isOrthogonal = context.flag("apply_GS")
        return [
            context.planned(layout, .map(layout.outputs)) { () throws(Failure) in
                let u = try context.matrix(.u)
                let vectors = (0..<u.columns).map { column in (0..<u.rows).map { Double(u[$0, column]) } }
                return .map(
                    Reflections(
                        vectors: isOrthogonal ? Reflections.orthonormal(vectors) : vectors.map(Reflections.normalized),
                        axis: layout.outputs))
            }
        ]
    }
}

/// A chain of reflections of each row, the first vector's first; in fp64 until the end.
struct Reflections: RowUpdate {
    /// Of length one each.
    let vectors: [[Double]]
    let axis: UpdateAxis

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        let columns = vectors.first?.count ?? 0
        var row = [Double](repeating: 0, count: columns)
        for index in 0..<rows.count {
            let start = index * columns
            for column in 0..<columns { row[column] = Double(weights[start + column]) }
            for vector in vectors {
                let factor = 2 * Self.product(row, vector)
                for column in 0..<columns { row[column] -= factor * vector[column] }
            }
            for column in 0..<columns { weights[start + column] = Float(row[column]) }
        }
    }

    static func normalized(_ vector: [Double]) -> [Double] {
        let norm = product(vector, vector).squareRoot()
        return vector.map { $0 / norm }
    }

    /// Gram and Schmidt's procedure, each projection taken from what the last one left.
    static func orthonormal(_ vectors: [[Double]]) -> [[Double]] {
        var result: [[Double]] = []
        for vector in vectors {
            var rest = vector
            for other in result {
                let factor = product(other, rest)
                for index in rest.indices { rest[index] -= factor * other[index] }
            }
            result.append(normalized(rest))
        }
        return result
    }

    private static func product(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for index in a.indices { sum += a[index] * b[index] }
        return sum
    }
}
