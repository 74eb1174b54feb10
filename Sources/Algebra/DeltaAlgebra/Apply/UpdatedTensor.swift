import CKernels
import Checkpoints
import Diagnostics
import Tensors

/// A tensor of the base with the updates of all adapters, computed as it is read, a few rows at a time.
///
/// The arithmetic is that of `Spec/arithmetic.md`: sums share one fp32 accumulator an element, maps follow in fp32, and
/// everything is rounded once.
final class UpdatedTensor: TensorSource {
    /// What a base's tensor is called where its digest is taken.
    struct Watched: Sendable {
        let watch: BaseWatch
        let number: Int
    }

    let dtype: DType
    let shape: Shape
    let byteCount: Int
    private let base: any TensorSource
    private let watched: Watched
    private let factors: UpdateFactors
    private let tally: RoundingTally?
    private var rows: Int { factors.rows }
    private var columns: Int { factors.columns }

    /// - Parameter updates: At least one; all of this tensor.
    init(_ watched: Watched, updates: [PlannedUpdate], dtype: DType, tally: RoundingTally?) throws(Failure) {
        let source = watched.watch.source(watched.number)
        self.watched = watched
        self.dtype = dtype
        self.tally = tally
        base = source
        shape = source.shape
        byteCount = try source.shape.byteCount(dtype)
        factors = try UpdateFactors(updates, byteCount: byteCount, of: watched.watch.base.tensors[watched.number].name)
    }

    /// Elements of a tile: its sums stay in a core's own cache.
    static let tileElements = 1 << 16

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let prepared = try factors.prepared { prepared throws(Failure) in
            if prepared.needsColumns { prepared.whole = try wholeResult(prepared) }
        }
        let count = target.byteCount
        try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
            if let whole = prepared.whole {
                unsafe whole.withUnsafeBytes { whole in
                    unsafe target.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: whole[offset..<offset + target.count]))
                }
                return
            }
            try WindowScratch.with { scratch throws(Failure) in
                try unsafe compute(prepared, offset, target, scratch)
            }
        }
        factors.note(count)
    }

    // MARK: By rows

    /// Fills `target` with the result's bytes from `offset` on, both at an element's start.
    private func compute(
        _ prepared: PreparedUpdates, _ offset: Int, _ target: UnsafeMutableRawBufferPointer, _ scratch: WindowScratch
    ) throws(Failure) {
        let source = prepared.replacement ?? base
        let width = dtype.width ?? 1
        let elements = offset / width..<(offset + target.count) / width
        let sourceWidth = source.dtype.width ?? 1
        // Maps look at whole rows; sums need no more of the base than what is asked for.
        let firstRow = elements.lowerBound / columns
        let endRow = (elements.upperBound + columns - 1) / columns
        let held = prepared.maps.isEmpty ? elements : firstRow * columns..<endRow * columns
        let bytes = try unsafe source.read(
            held.lowerBound * sourceWidth..<held.upperBound * sourceWidth, into: scratch.base)
        if prepared.replacement == nil {
            let skip = (elements.lowerBound - held.lowerBound) * sourceWidth
            let own = unsafe UnsafeRawBufferPointer(rebasing: bytes[skip..<skip + elements.count * sourceWidth])
            unsafe watched.watch.observe(watched.number, at: elements.lowerBound * sourceWidth, own.bytes)
        }
        let tileRows = max(1, Self.tileElements / columns)
        for row in stride(from: firstRow, to: endRow, by: tileRows) {
            let tile = Tile(
                rows: row..<min(row + tileRows, endRow), columns: columns, asked: elements, dtype: source.dtype)
            let sum = unsafe scratch.first.floats(tile.count)
            try unsafe prepared.add(tile.rows, to: sum)
            let place = (tile.own.lowerBound - elements.lowerBound) * width
            let out = unsafe UnsafeMutableRawBufferPointer(
                rebasing: target[place..<place + tile.own.count * width])
            if prepared.maps.isEmpty {
                let skip = (tile.own.lowerBound - elements.lowerBound) * sourceWidth
                let weights = unsafe UnsafeRawBufferPointer(
                    rebasing: bytes[skip..<skip + tile.own.count * sourceWidth])
                unsafe round(weights, sum, tile, into: out, scratch)
            } else {
                let skip = (tile.all.lowerBound - held.lowerBound) * sourceWidth
                let weights = unsafe UnsafeRawBufferPointer(
                    rebasing: bytes[skip..<skip + tile.count * sourceWidth])
                try unsafe map(prepared, weights, sum, tile, into: out, scratch)
            }
        }
    }

    /// The sum put onto the weights and rounded: where nothing but sums came.
    private func round(
        _ weights: UnsafeRawBufferPointer, _ sum: UnsafeMutableBufferPointer<Float>, _ tile: Tile,
        into target: UnsafeMutableRawBufferPointer, _ scratch: WindowScratch
    ) {
        let kind = ElementKind(tile.dtype).code
        let start = tile.own.lowerBound - tile.all.lowerBound
        let own = unsafe UnsafeMutableBufferPointer(rebasing: sum[start..<start + tile.own.count])
        var report = tenon_rounding()
        if tile.dtype == dtype {
            unsafe tenon_round_sum(
                kind, weights.baseAddress, own.baseAddress, own.count, target.baseAddress, &report)
        } else {
            let wide = unsafe scratch.second.floats(own.count)
            unsafe tenon_widen_sum(kind, weights.baseAddress, own.baseAddress, own.count, wide.baseAddress, &report)
            unsafe FloatElements.narrow(UnsafeBufferPointer(wide), to: dtype, into: target)
        }
        tally?.add(report)
    }

    /// The sum put onto whole rows in fp32, and every map after it; then rounded.
    private func map(
        _ prepared: PreparedUpdates, _ weights: UnsafeRawBufferPointer, _ sum: UnsafeMutableBufferPointer<Float>,
        _ tile: Tile, into target: UnsafeMutableRawBufferPointer, _ scratch: WindowScratch
    ) throws(Failure) {
        let wide = unsafe scratch.second.floats(tile.count)
        unsafe tenon_widen_sum(
            ElementKind(tile.dtype).code, weights.baseAddress, sum.baseAddress, tile.count, wide.baseAddress, nil)
        var span = unsafe wide.mutableSpan
        for map in prepared.maps { try map.update(rows: tile.rows, &span) }
        if tally != nil { unsafe note(weights, UnsafeBufferPointer(wide), tile) }
        let start = tile.own.lowerBound - tile.all.lowerBound
        let own = unsafe UnsafeBufferPointer(rebasing: UnsafeBufferPointer(wide)[start..<start + tile.own.count])
        unsafe FloatElements.narrow(own, to: dtype, into: target)
    }

    /// Tells the tally what rounding does to whole rows: to their difference from the base's.
    private func note(_ weights: UnsafeRawBufferPointer, _ wanted: UnsafeBufferPointer<Float>, _ tile: Tile) {
        let kind = ElementKind(tile.dtype)
        let start = tile.own.lowerBound - tile.all.lowerBound
        var before = [Float](repeating: 0, count: tile.own.count)
        let own = unsafe UnsafeRawBufferPointer(rebasing: weights[start * kind.width..<weights.count])
        unsafe before.withUnsafeMutableBufferPointer { unsafe FloatElements.widen(own, tile.dtype, into: $0) }
        var change = before
        for index in change.indices { change[index] = unsafe wanted[start + index] - before[index] }
        var after = [UInt8](repeating: 0, count: tile.own.count * kind.width)
        var report = tenon_rounding()
        unsafe after.withUnsafeMutableBytes { after in
            unsafe tenon_round_sum(
                kind.code, own.baseAddress, change, tile.own.count, after.baseAddress, &report)
        }
        tally?.add(report)
    }

    // MARK: By columns

    /// The whole tensor, where a map needs columns of what is stored by rows: models that keep weights as [in, out] are
    /// small.
    private func wholeResult(_ prepared: PreparedUpdates) throws(Failure) -> [UInt8] {
        let source = prepared.replacement ?? base
        let bytes = try source.readAll()
        if prepared.replacement == nil { unsafe watched.watch.observe(watched.number, at: 0, bytes.span.bytes) }
        var sum = [Float](repeating: 0, count: rows * columns)
        var weights = sum
        try unsafe sum.withUnsafeMutable { sum throws(Failure) in try unsafe prepared.add(0..<rows, to: sum) }
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe tenon_widen_sum(
                ElementKind(source.dtype).code, bytes.baseAddress, sum, rows * columns, &weights, nil)
        }
        for map in prepared.maps {
            switch map.axis {
            case .rows:
                var span = weights.mutableSpan
                try map.update(rows: 0..<rows, &span)
            case .columns:
                var turned = weights.transposed(rows: rows, columns: columns)
                var span = turned.mutableSpan
                try map.update(rows: 0..<columns, &span)
                weights = turned.transposed(rows: columns, columns: rows)
            }
        }
        var result = [UInt8](repeating: 0, count: byteCount)
        unsafe weights.withUnsafeBufferPointer { weights in
            unsafe result.withUnsafeMutableBytes { unsafe FloatElements.narrow(weights, to: dtype, into: $0) }
        }
        return result
    }
}

/// Some rows of a tensor, and which of their elements are asked for.
private struct Tile {
    let rows: Range<Int>
    let columns: Int
    /// Elements of the tensor.
    let own: Range<Int>
    let dtype: DType

    init(rows: Range<Int>, columns: Int, asked: Range<Int>, dtype: DType) {
        self.rows = rows
        self.columns = columns
        self.dtype = dtype
        own = (rows.lowerBound * columns..<rows.upperBound * columns).clamped(to: asked)
    }

    var all: Range<Int> { rows.lowerBound * columns..<rows.upperBound * columns }
    var count: Int { rows.count * columns }
}

extension [Float] {
    fileprivate func transposed(rows: Int, columns: Int) -> [Float] {
        var result = [Float](repeating: 0, count: count)
        for row in 0..<rows {
            for column in 0..<columns { result[column * rows + row] = self[row * columns + column] }
        }
        return result
    }

    fileprivate mutating func withUnsafeMutable(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        var span = mutableSpan
        try unsafe span.withUnsafeMutableBufferPointer { buffer throws(Failure) in try unsafe body(buffer) }
    }
}
