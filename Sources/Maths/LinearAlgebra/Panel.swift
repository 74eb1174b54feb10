import CKernels
import Diagnostics
import Parallelism

/// A tall and thin matrix in fp32, row-major, whose columns are vectors of a subspace.
///
/// Rows and columns are padded to whole tiles with zeros, as the kernels like it.
package final class Panel: Sendable {
    package let rows: Int
    /// Columns with their padding.
    package let width: Int
    package let values: SharedBuffer<Float>

    /// All zeros, with room for `columns` columns.
    package init(rows: Int, columns: Int) {
        self.rows = rows
        width = columns.paddedToTile
        values = SharedBuffer(count: rows.paddedToTile * width)
    }

    package subscript(row: Int, column: Int) -> Float {
        get { unsafe values.elements[row * width + column] }
        set { unsafe values.elements[row * width + column] = newValue }
    }

    /// Copies the first `columns` columns of `other`, which has as many rows.
    func copy(_ columns: Int, of other: Panel) {
        for row in 0..<rows {
            for column in 0..<columns { self[row, column] = other[row, column] }
        }
    }

    /// Panelᵀ · panel, in fp64. Blocks of rows are summed in their order, whoever computes them.
    func gram(_ lanes: Lanes) throws(Failure) -> SquareMatrix {
        let blocks = RowRanges(rows: rows, count: 8, multiple: 64)
        let order = width
        let parts = SharedBuffer<Double>(count: blocks.count * order * order)
        try lanes.forEach(blocks.count) { _, block throws(Failure) in
            let range = blocks[block]
            unsafe tenon_panel_gram(
                self.values.start + range.lowerBound * order, range.count, order, parts.start + block * order * order)
        }
        var sum = SquareMatrix(order: order)
        for block in 0..<blocks.count {
            for row in 0..<order {
                for column in row..<order {
                    unsafe sum[row, column] += parts.elements[(block * order + row) * order + column]
                }
            }
        }
        for row in 0..<order {
            for column in 0..<row { sum[row, column] = sum[column, row] }
        }
        return sum
    }

    /// Panel · matrix, in fp64, each element rounded once.
    func multiplied(by matrix: SquareMatrix, _ lanes: Lanes) throws(Failure) -> Panel {
        precondition(matrix.order == width)
        let product = Panel(rows: rows, columns: width)
        let blocks = RowRanges(rows: rows, count: 64, multiple: 64)
        try lanes.forEach(blocks.count) { _, block throws(Failure) in
            let range = blocks[block]
            unsafe tenon_panel_multiply(
                self.values.start + range.lowerBound * self.width, range.count, self.width, matrix.values, self.width,
                product.values.start + range.lowerBound * self.width)
        }
        return product
    }
}

/// Rows cut into at most so many ranges of about one size, whatever the number of lanes.
struct RowRanges: Sendable {
    let rows: Int
    private let size: Int

    /// All ranges but the last have a multiple of `multiple` rows.
    init(rows: Int, count: Int, multiple: Int) {
        self.rows = rows
        size = max(1, (rows + count * multiple - 1) / (count * multiple)) * multiple
    }

    var count: Int { (rows + size - 1) / size }

    subscript(_ index: Int) -> Range<Int> { index * size..<min((index + 1) * size, rows) }
}

extension Int {
    /// The next multiple of a tile's columns.
    package var paddedToTile: Int {
        (self + Int(TENON_TILE_COLUMNS) - 1) / Int(TENON_TILE_COLUMNS) * Int(TENON_TILE_COLUMNS)
    }
}
