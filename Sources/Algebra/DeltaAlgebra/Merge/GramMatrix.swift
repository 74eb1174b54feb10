/// The inner products of some vectors, in fp64.
struct GramMatrix: Sendable {
    let count: Int
    private let values: [Double]

    /// From the products ⟨i, j⟩, j ≤ i, row by row.
    init(count: Int, lower: [Double]) {
        self.count = count
        var values = [Double](repeating: 0, count: count * count)
        var place = 0
        for i in 0..<count {
            for j in 0...i {
                // A tensor without elements has no products.
                let value = place < lower.count ? lower[place] : 0
                values[i * count + j] = value
                values[j * count + i] = value
                place += 1
            }
        }
        self.values = values
    }

    subscript(i: Int, j: Int) -> Double { values[i * count + j] }

    func norm(_ i: Int) -> Double { self[i, i].squareRoot() }

    /// Zero where a norm is at most `least`.
    func cosine(_ i: Int, _ j: Int, least: Double = 0) -> Double {
        let (a, b) = (norm(i), norm(j))
        guard a > least, b > least else { return 0 }
        return min(1, max(-1, self[i, j] / (a * b)))
    }
}

extension MergeBlock {
    /// The products ⟨i, j⟩, j ≤ i, over some elements of the block.
    func products(_ vectors: [Vector], _ elements: Range<Int>) -> [Double] {
        vectors.indices.flatMap { i in (0...i).map { dot(vectors[i], vectors[$0], elements) } }
    }
}
