import Diagnostics
import Tensors

/// The shapes that tensors have, each once: an adapter has many tensors and few shapes.
enum ShapeTable {
    /// The distinct shapes of `tensors` in their order, and the number of each.
    static func numbered(_ tensors: [TensorRecord]) -> (shapes: [Shape], numbers: [Shape: UInt32]) {
        let shapes = Set(tensors.map(\.shape)).sorted(by: precedes)
        var numbers: [Shape: UInt32] = [:]
        for (number, shape) in shapes.enumerated() { numbers[shape] = UInt32(number) }
        return (shapes, numbers)
    }

    /// Throws unless the shapes are sorted by rank and then by dimensions, unique and within the limits.
    static func shapes(_ count: Int, dimensions: Int, from reader: inout ByteReader) throws(Failure) -> [Shape] {
        let start = reader.offset
        let ranks = try reader.array(count).map(Int.init)
        if let place = ranks.firstIndex(where: { $0 > Limits.rank }) {
            throw Failure(
                .badRank, "a tensor has too many dimensions", offset: start + UInt64(place),
                expected: "at most \(Limits.rank)", actual: "\(ranks[place])")
        }
        guard ranks.reduce(0, +) == dimensions else {
            throw Failure(.indexInconsistent, "the ranks do not add up to the count of dimensions", offset: start)
        }
        var shapes: [Shape] = []
        shapes.reserveCapacity(count)
        for rank in ranks {
            let offset = reader.offset
            let shape = try shape(rank: rank, from: &reader)
            if let previous = shapes.last, !precedes(previous, shape) {
                throw Failure(.notCanonical, "the shapes are not sorted and unique", offset: offset)
            }
            shapes.append(shape)
        }
        return shapes
    }

    private static func shape(rank: Int, from reader: inout ByteReader) throws(Failure) -> Shape {
        var dimensions: [Int] = []
        for _ in 0..<rank {
            let offset = reader.offset
            let dimension = try reader.integer(UInt64.self)
            guard dimension != 0 else {
                throw Failure(.zeroDimension, "a tensor has a dimension of zero", offset: offset)
            }
            guard dimension < Limits.dimension else {
                throw Failure(.dimensionTooLarge, "a dimension is 2^48 or more", offset: offset, actual: "\(dimension)")
            }
            dimensions.append(Int(dimension))
        }
        return Shape(dimensions)
    }

    private static func precedes(_ a: Shape, _ b: Shape) -> Bool {
        a.rank == b.rank ? a.dimensions.lexicographicallyPrecedes(b.dimensions) : a.rank < b.rank
    }
}
