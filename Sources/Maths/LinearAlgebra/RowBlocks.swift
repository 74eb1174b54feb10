import CKernels
package import Diagnostics

/// A large matrix that can only be read, some rows at a time, from several threads at once.
package protocol RowBlocks: Sendable {
    var rows: Int { get }
    var columns: Int { get }

    /// Writes rows times `scale`, a power of two, to a block in tiles (`tenon_tiles.h`) and gives the sum of the squares
    /// before scaling, in fp64. `block` holds zeros where rows are missing to a whole tile.
    ///
    /// Throws where an element is not finite.
    func load(_ range: Range<Int>, scale: Float, into block: UnsafeMutableBufferPointer<Float>) throws(Failure)
        -> Double
}

/// How a matrix is cut into blocks: by its shape alone, so that sums over blocks do not depend on the machine.
struct BlockPlan: Sendable {
    let rows: Int
    /// With padding.
    let columns: Int
    /// Rows of each block but the last, a multiple of a tile's.
    let height: Int
    let count: Int

    /// Elements of a block: it stays in the second-level cache from the one product to the other.
    private static let elements = 1 << 17

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns.paddedToTile
        let tile = Int(TENON_TILE_ROWS)
        height = min(64, max(tile, Self.elements / max(1, self.columns) / tile * tile))
        count = (rows + height - 1) / height
    }

    func rows(of block: Int) -> Range<Int> { block * height..<min((block + 1) * height, rows) }

    /// The rows of a block with those that fill its last tile.
    func paddedRows(of block: Int) -> Int {
        let tile = Int(TENON_TILE_ROWS)
        return (rows(of: block).count + tile - 1) / tile * tile
    }

    /// Bytes of a block.
    var byteCount: Int { height * columns * MemoryLayout<Float>.stride }

    /// The blocks whose share of a transposed product is summed in one go, in order; there are few such groups, each of
    /// which needs a panel of its own.
    func groups(panelElements: Int) -> RowRanges {
        RowRanges(rows: count, count: min(16, max(4, (1 << 24) / max(1, panelElements))), multiple: 1)
    }
}
