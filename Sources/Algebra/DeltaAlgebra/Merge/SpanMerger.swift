import Diagnostics
import Tensors

/// A combination of the models' tensors, or of their differences from the base, whose coefficients follow from their
/// inner products.
struct SpanMerger: TensorMerger {
    /// What counts as one vector.
    enum Layout: Sendable {
        case whole
        case rows
        case columns
    }

    /// The base is the first of the vectors.
    var includesBase = false
    /// Vectors are differences from the base, and their sum is added to it.
    var isOfDifferences = false
    var layout = Layout.whole
    let coefficients: @Sendable (GramMatrix) -> [Double]

    var needsRows: Bool { layout != .whole }

    func prepared(_ crew: MergeCrew) throws(Failure) -> any ElementMerger {
        let vectors =
            (includesBase ? [MergeBlock.Vector.base] : []) + crew.inputs.tensor.inputs.indices.map { .input($0) }
        let count = vectors.count
        let coefficients = coefficients
        switch layout {
        case .rows:
            return Prepared(span: self, vectors: vectors) { block in
                stride(from: 0, to: block.count, by: block.columns).map { start in
                    let products = block.products(vectors, start..<start + block.columns)
                    return coefficients(GramMatrix(count: count, lower: products)).map(Float.init)
                }
            }
        case .columns:
            let factors = try columnGrams(vectors, crew).map { coefficients($0).map(Float.init) }
            return Prepared(span: self, vectors: vectors) { _ in factors }
        case .whole:
            let isOfDifferences = isOfDifferences
            let sums = try crew.sums { block in
                if isOfDifferences { block.subtractBase() }
                return block.products(vectors, 0..<block.count)
            }
            let factors = [coefficients(GramMatrix(count: count, lower: sums)).map(Float.init)]
            return Prepared(span: self, vectors: vectors) { _ in factors }
        }
    }

    /// Of the vectors along the first axis; sums run in the order of the elements.
    private func columnGrams(_ vectors: [MergeBlock.Vector], _ crew: MergeCrew) throws(Failure) -> [GramMatrix] {
        let inputs = crew.inputs
        let width = inputs.count / max(1, inputs.shape.dimensions.first ?? 1)
        let pairs = vectors.count * (vectors.count + 1) / 2
        var sums = [Double](repeating: 0, count: width * pairs)
        for index in 0..<inputs.blockCount {
            try inputs.withBlock(index) { block in
                if isOfDifferences { block.subtractBase() }
                block.addColumnProducts(vectors, width: width, to: &sums)
            }
        }
        return (0..<width).map { column in
            GramMatrix(count: vectors.count, lower: Array(sums[column * pairs..<(column + 1) * pairs]))
        }
    }

    private struct Prepared: ElementMerger {
        let span: SpanMerger
        let vectors: [MergeBlock.Vector]
        /// For each vector of numbers along the layout: the factors of the models.
        let factors: @Sendable (MergeBlock) -> [[Float]]

        func merge(_ block: MergeBlock) {
            if span.isOfDifferences { block.subtractBase() }
            let factors = factors(block)
            switch span.layout {
            case .whole: block.combine(vectors, factors[0])
            case .rows: block.combine(vectors, byRow: factors)
            case .columns: block.combine(vectors, byColumn: factors)
            }
            if span.isOfDifferences { block.addBase() }
        }
    }
}

extension MergeBlock {
    /// Sets the result to the sum of the vectors times their factors.
    fileprivate func combine(_ vectors: [Vector], _ factors: [Float]) {
        fill(.result, 0)
        for (vector, factor) in zip(vectors, factors) { add(vector, times: factor, to: .result) }
    }

    fileprivate func combine(_ vectors: [Vector], byRow factors: [[Float]]) {
        fill(.result, 0)
        for (row, factors) in factors.enumerated() {
            let elements = row * columns..<(row + 1) * columns
            for (vector, factor) in zip(vectors, factors) { add(vector, elements, times: factor, to: .result) }
        }
    }

    fileprivate func combine(_ vectors: [Vector], byColumn factors: [[Float]]) {
        fill(.result, 0)
        for place in 0..<count {
            let factors = factors[(first + place) % factors.count]
            for (vector, factor) in zip(vectors, factors) {
                unsafe self[.result][place] = factor.fusedProduct(self[vector][place], adding: self[.result][place])
            }
        }
    }

    /// Adds the products ⟨i, j⟩, j ≤ i, of every vector along the first axis to its place among `sums`.
    fileprivate func addColumnProducts(_ vectors: [Vector], width: Int, to sums: inout [Double]) {
        let pairs = vectors.count * (vectors.count + 1) / 2
        for place in 0..<count {
            var target = (first + place) % width * pairs
            for i in vectors.indices {
                let left = Double(unsafe self[vectors[i]][place])
                for j in 0...i {
                    sums[target] += left * Double(unsafe self[vectors[j]][place])
                    target += 1
                }
            }
        }
    }
}

extension Float {
    /// `self · other + sum`, rounded once.
    fileprivate func fusedProduct(_ other: Float, adding sum: Float) -> Float { sum.addingProduct(self, other) }
}
