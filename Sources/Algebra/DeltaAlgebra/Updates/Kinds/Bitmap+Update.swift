import Adapters
import Diagnostics
import Tensors

/// Kinds with a bit for every element of the tensor.
extension UpdateBuilder {
    /// Chosen elements: the others become zero, or values are added to them or stand in their place.
    static let mask = UpdateBuilder { context throws(Failure) in
        let (rows, columns) = try bitmapSides(context)
        let mode = try context.mode(default: "keep")
        if mode == "add", context.weight == 0 { return [] }
        if mode != "add" { try context.requireWholeWeight("a mask") }
        let scale = Float(context.weight)
        return [
            context.planned(
                context.target, mode == "add" ? .sum : .map(.rows), rows: rows, columns: columns
            ) { () throws(Failure) in
                let bitmap = Bitmap(bytes: try context.source(.bitmap).readAll(), rows: rows, columns: columns)
                guard mode != "keep" else { return .map(KeptElements(bitmap: bitmap)) }
                let source = try context.source(.value)
                guard try source.shape.elementCount() == bitmap.count else {
                    throw Failure(
                        .maskCount, "a mask has another count of bits than values", expected: "\(bitmap.count)",
                        actual: "\(source.shape)")
                }
                let chosen = ChosenElements(bitmap: bitmap, source: source, scale: mode == "add" ? scale : 1)
                return mode == "add" ? .sum(chosen) : .map(chosen)
            }
        ]
    }

    static func bitmapSides(_ context: UpdateContext) throws(Failure) -> (rows: Int, columns: Int) {
        let shape = try context.source(.bitmap).shape
        let tensor = try context.tensor()
        guard tensor.shape == shape else { throw context.mismatch(tensor, expected: "\(shape)") }
        return try context.sides()
    }
}

/// A bit for every element, the first in the lowest bit of the first byte.
struct Bitmap: Sendable {
    let columns: Int
    private let bytes: [UInt8]
    /// How many bits are set before each row, and in all.
    private let ranks: [Int]

    init(bytes: [UInt8], rows: Int, columns: Int) {
        self.bytes = bytes
        self.columns = columns
        var ranks = [0]
        ranks.reserveCapacity(rows + 1)
        var count = 0
        for row in 0..<rows {
            for place in (row * columns)..<((row + 1) * columns) where bytes[place / 8] >> (place % 8) & 1 == 1 {
                count += 1
            }
            ranks.append(count)
        }
        self.ranks = ranks
    }

    var count: Int { ranks.last ?? 0 }

    subscript(place: Int) -> Bool { bytes[place / 8] >> (place % 8) & 1 == 1 }

    /// Which of the set bits lie in these rows.
    func ranks(of rows: Range<Int>) -> Range<Int> { ranks[rows.lowerBound]..<ranks[rows.upperBound] }
}

/// Elements whose bit is not set become zero.
struct KeptElements: RowUpdate {
    let bitmap: Bitmap

    var axis: UpdateAxis { .rows }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        let start = rows.lowerBound * bitmap.columns
        for index in 0..<(rows.count * bitmap.columns) where !bitmap[start + index] { weights[index] = 0 }
    }
}

/// Elements whose bit is set take the values one after the other.
struct ChosenElements: SumUpdate, RowUpdate {
    let bitmap: Bitmap
    let source: any TensorSource
    let scale: Float

    var axis: UpdateAxis { .rows }

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) throws(Failure) {
        let values = try source.floats(bitmap.ranks(of: rows))
        var next = 0
        let start = rows.lowerBound * bitmap.columns
        for index in 0..<(rows.count * bitmap.columns) where bitmap[start + index] {
            sum[index] += scale * values[next]
            next += 1
        }
    }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) throws(Failure) {
        let values = try source.floats(bitmap.ranks(of: rows))
        var next = 0
        let start = rows.lowerBound * bitmap.columns
        for index in 0..<(rows.count * bitmap.columns) where bitmap[start + index] {
            weights[index] = values[next]
            next += 1
        }
    }
}
