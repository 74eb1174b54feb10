import CKernels
import Diagnostics
import LinearAlgebra
import Parallelism

/// Combinations of the products themselves. They are held whole, as in PEFT, since elements are chosen among them.
extension PEFTCombination {
    /// The lesser side up to which all singular values are taken; beyond it the first ones, by subspace iteration.
    private static let mostExact = 256

    func decomposed(
        _ parts: [Part], _ target: TargetOfAdapters, _ options: AdapterMergeOptions,
        _ rank: Int
    ) throws(Failure) -> MergedTarget {
        let products = parts.map { part in
            var product = part.factors.b.transposed * part.factors.a
            for place in product.values.indices {
                product.values[place] = Double(Float(part.factors.scale * product.values[place]))
            }
            return product
        }
        let names = parts.map { "\(target.module)\0\($0.number)" }
        let change = combined(products, parts.map(\.weight), names, options)
        let power = change.dot(change)
        guard min(change.rows, change.columns) > Self.mostExact else {
            let found = SingularValues(change)
            let count = min(rank, found.rank(above: CoreSpace.precision))
            let pair = FactorPair(
                a: found.right.rows(0..<count),
                b: found.left.rows(0..<count).scalingRows(by: Array(found.values.prefix(count))))
            return try target.result(pair, options, found.values, count)
        }
        let iteration = SubspaceIteration(
            TiledMatrix(DenseRows(matrix: change), cacheBytes: change.values.count * 4),
            random: CounterRandom(seed: options.seed, name: target.module), lanes: Lanes(count: 1))
        let found = try iteration.approximate(rank: rank)
        let count = found.values.count
        var a = RealMatrix(rows: count, columns: change.columns)
        var b = RealMatrix(rows: count, columns: change.rows)
        for k in 0..<count {
            for column in 0..<change.columns { a[k, column] = Double(found.right[column, k]) }
            for row in 0..<change.rows { b[k, row] = found.values[k] * Double(found.left[row, k]) }
        }
        let merged = try target.result(FactorPair(a: a, b: b), options)
        return MergedTarget(
            target: target, factors: merged.factors, power: power, leftOut: found.tail(after: count))
    }
}

/// A matrix in memory, as the subspace iteration reads it.
private struct DenseRows: RowBlocks {
    let matrix: RealMatrix

    var rows: Int { matrix.rows }
    var columns: Int { matrix.columns }

    func load(
        _ range: Range<Int>, scale: Float, into block: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) -> Double {
        let zeros = [Float](repeating: 0, count: columns)
        let padded = columns.paddedToTile
        let height = Int(TENON_TILE_ROWS)
        var sum = 0.0
        for (row, number) in range.enumerated() {
            let values = matrix.values[number * columns..<(number + 1) * columns].map(Float.init)
            let place = row / height * height * padded + row % height * Int(TENON_TILE_COLUMNS)
            sum += unsafe tenon_tile_difference(
                zeros, values, columns, scale, block.baseAddress?.advanced(by: place))
        }
        return sum
    }
}
