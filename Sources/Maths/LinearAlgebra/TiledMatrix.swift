import CKernels
package import Diagnostics
package import Parallelism
import Tensors

/// A matrix read by blocks of rows, of which as many are kept in memory as a budget allows.
///
/// What is computed does not depend on how many that is.
package final class TiledMatrix: Sendable {
    package let rows: Int
    package let columns: Int
    let plan: BlockPlan
    private let source: any RowBlocks
    private let memory: TileMemory
    /// How many blocks are kept, the first ones.
    private let keptCount: Int
    private let isLoaded: SharedBuffer<UInt8>
    private let squares: SharedBuffer<Double>
    /// What elements are multiplied with, a power of two.
    let scale: Float

    /// - Parameter memory: What blocks are kept in, which no other matrix uses from now on.
    package convenience init(_ source: any RowBlocks, cacheBytes: Int, memory: TileMemory = TileMemory()) {
        self.init(source, cacheBytes: cacheBytes, memory, scale: 1)
    }

    private init(_ source: any RowBlocks, cacheBytes: Int, _ memory: TileMemory, scale: Float) {
        self.source = source
        self.memory = memory
        self.scale = scale
        rows = source.rows
        columns = source.columns
        plan = BlockPlan(rows: source.rows, columns: source.columns)
        keptCount = min(plan.count, cacheBytes / max(1, plan.byteCount))
        isLoaded = SharedBuffer(count: plan.count)
        squares = SharedBuffer(count: plan.count)
        memory.reserve(keptCount * plan.byteCount)
    }

    /// The same matrix with elements so scaled that neither their squares nor those of its products leave fp32.
    func rescaled(power: Double) -> TiledMatrix {
        let exponent = Double(power).exponent / 2
        return TiledMatrix(
            source, cacheBytes: keptCount * plan.byteCount, memory,
            scale: Float(sign: .plus, exponent: max(-126, min(127, -Int(exponent))), significand: 1))
    }

    /// ‖matrix‖² in fp64, before scaling: known once all blocks were read.
    var power: Double { unsafe squares.elements.reduce(0, +) }

    /// Calls `body` with a block in tiles, which nobody changes meanwhile.
    func withBlock<Result>(_ block: Int, _ body: (UnsafePointer<Float>) -> Result) throws(Failure) -> Result {
        let isKept = block < keptCount
        let byteCount = plan.paddedRows(of: block) * plan.columns * MemoryLayout<Float>.stride
        let passing = isKept ? nil : memory.passing.take() ?? ScratchBuffer()
        defer { if let passing { memory.passing.giveBack(passing) } }
        let bytes =
            if let passing { unsafe passing.bytes(byteCount) } else {
                unsafe memory.kept(block * plan.byteCount, byteCount)
            }
        let tiles = unsafe bytes.bindMemory(to: Float.self)
        if unsafe !isKept || isLoaded.elements[block] == 0 {
            let range = plan.rows(of: block)
            if range.count < plan.paddedRows(of: block) {
                let whole = range.count / Int(TENON_TILE_ROWS) * Int(TENON_TILE_ROWS)
                unsafe UnsafeMutableBufferPointer(rebasing: tiles[(whole * plan.columns)...]).update(repeating: 0)
            }
            let sum = try unsafe source.load(range, scale: scale, into: tiles)
            unsafe squares.elements[block] = sum
            unsafe isLoaded.elements[block] = 1
        }
        guard let start = unsafe UnsafePointer(tiles.baseAddress) else {
            throw Failure(.internal, "a block without rows was asked for")
        }
        return unsafe body(start)
    }

    // MARK: Products

    /// What one pass over the matrix D makes of a panel X.
    struct Products {
        /// D · X.
        let image: Panel
        /// Dᵀ · D · X.
        let turned: Panel
    }

    func multiply(_ panel: Panel, _ lanes: Lanes) throws(Failure) -> Products {
        precondition(panel.rows == columns)
        let width = panel.width
        let image = Panel(rows: rows, columns: width)
        let turned = Panel(rows: columns, columns: width)
        let panelCount = turned.values.count
        let groups = plan.groups(panelElements: panelCount)
        let parts = memory.parts(groups.count * panelCount)
        try lanes.forEach(groups.count) { _, group throws(Failure) in
            let part = unsafe parts.start + group * panelCount
            unsafe part.update(repeating: 0, count: panelCount)
            for block in groups[group] {
                let height = self.plan.paddedRows(of: block)
                let product = unsafe image.values.start + block * self.plan.height * width
                try unsafe self.withBlock(block) { tiles in
                    unsafe tenon_tiles_multiply(tiles, height, self.plan.columns, panel.values.start, width, product)
                    unsafe tenon_tiles_multiply_transposed(
                        tiles, height, self.plan.columns, product, width, part)
                }
            }
        }
        let stretch = 1 << 15
        try lanes.forEach((panelCount + stretch - 1) / stretch) { _, index throws(Failure) in
            unsafe tenon_panel_sum(
                parts.start, groups.count, panelCount, index * stretch, min((index + 1) * stretch, panelCount),
                turned.values.start)
        }
        return Products(image: image, turned: turned)
    }

    // MARK: Error

    /// ‖matrix − left · right‖², where the matrix is not scaled: left [rows, rank] and right [rank, columns], row-major.
    /// The product is taken in fp32, the sum in fp64.
    package func squaredDistance(left: [Float], right: [Float], rank: Int, _ lanes: Lanes) throws(Failure) -> Double {
        precondition(left.count == rows * rank && right.count == rank * columns)
        let factors = SharedBuffer<Float>(count: rows.paddedToTile * rank)
        for index in left.indices { unsafe factors.elements[index] = left[index] }
        let tile = Int(TENON_TILE_COLUMNS)
        let tiled = SharedBuffer<Float>(count: plan.columns * rank)
        for k in 0..<rank {
            for column in 0..<columns {
                unsafe tiled.elements[(column / tile * rank + k) * tile + column % tile] = right[k * columns + column]
            }
        }
        let sums = SharedBuffer<Double>(count: plan.count)
        try lanes.forEach(plan.count) { _, block throws(Failure) in
            let height = self.plan.paddedRows(of: block)
            let sum = try unsafe self.withBlock(block) { tiles in
                unsafe tenon_tiles_residual(
                    tiles, height, self.plan.columns, factors.start + block * self.plan.height * rank, tiled.start, rank
                )
            }
            unsafe sums.elements[block] = sum
        }
        return unsafe sums.elements.reduce(0, +)
    }
}
