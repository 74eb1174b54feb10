import CKernels
package import Diagnostics

/// A matrix whose rows are made when they are asked for.
package struct MadeRows: RowBlocks {
    package let rows: Int
    package let columns: Int
    private let name: String
    private let row: @Sendable (Int) -> [Float]
    private let zeros: [Float]

    /// `row` gives a row by its number, the same each time; `name` is for messages.
    package init(rows: Int, columns: Int, name: String, row: @escaping @Sendable (Int) -> [Float]) {
        self.rows = rows
        self.columns = columns
        self.name = name
        self.row = row
        zeros = [Float](repeating: 0, count: columns)
    }

    /// Throws ``Failure/Code/notFinite`` for infinities and what is no number.
    package func load(
        _ range: Range<Int>, scale: Float, into block: UnsafeMutableBufferPointer<Float>
    ) throws(Failure) -> Double {
        let height = Int(TENON_TILE_ROWS)
        var sum = 0.0
        for (place, number) in range.enumerated() {
            let tile = place / height * height * columns.paddedToTile + place % height * Int(TENON_TILE_COLUMNS)
            let numbers = row(number)
            sum += unsafe tenon_tile_difference(zeros, numbers, columns, scale, block.baseAddress?.advanced(by: tile))
        }
        guard sum.isFinite else {
            throw Failure(.notFinite, "a matrix has elements that are not finite", object: name)
        }
        return sum
    }
}
