import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// Values at places of the flattened tensor or at coordinates; added, or put in place of the base's.
    static let sparse = UpdateBuilder { context throws(Failure) in
        let tensor = try context.tensor()
        let (rows, columns) = try context.sides()
        let isSum = try context.mode(default: "add") == "add"
        if isSum, context.weight == 0 { return [] }
        let scale = isSum ? Float(context.weight) : 1
        if !isSum { try context.requireWholeWeight("a replacement at places") }
        return [
            context.planned(
                context.target, isSum ? .sum : .map(.rows), rows: rows, columns: columns
            ) { () throws(Failure) in
                let values = try context.source(.value).floats()
                let places = try flatPlaces(try context.source(.indices), tensor.shape)
                let scattered = ScatteredValues(places: places, values: values, columns: columns, scale: scale)
                return isSum ? .sum(scattered) : .map(scattered)
            }
        ]
    }

    /// Places in the flattened tensor: given so [n], or as coordinates [d, n].
    private static func flatPlaces(_ source: any TensorSource, _ shape: Shape) throws(Failure) -> [Int] {
        let numbers = try source.places()
        let elements = try shape.elementCount()
        guard source.shape.rank == 2 else {
            guard numbers.allSatisfy({ $0 < elements }) else { throw beyond(shape) }
            return numbers
        }
        guard source.shape.dimensions[0] == shape.rank else {
            throw Failure(
                .sparseIndex, "places have another number of coordinates than the tensor has dimensions",
                expected: "\(shape.rank)", actual: "\(source.shape.dimensions[0])")
        }
        let count = source.shape.dimensions[1]
        var places = [Int](repeating: 0, count: count)
        for (axis, side) in shape.dimensions.enumerated() {
            for index in 0..<count {
                let coordinate = numbers[axis * count + index]
                guard coordinate < side else { throw beyond(shape) }
                places[index] = places[index] * side + coordinate
            }
        }
        return places
    }

    private static func beyond(_ shape: Shape) -> Failure {
        Failure(.sparseIndex, "a place is beyond the tensor", expected: "a place in \(shape)")
    }
}

/// Values at places of a tensor, held in the order of their places.
struct ScatteredValues: SumUpdate, RowUpdate {
    private let places: [Int]
    private let values: [Float]
    private let columns: Int

    /// Values of one place are added in the order given, or the last of them wins.
    init(places: [Int], values: [Float], columns: Int, scale: Float) {
        let order = places.indices.sorted { (places[$0], $0) < (places[$1], $1) }
        self.places = order.map { places[$0] }
        self.values = order.map { scale * values[$0] }
        self.columns = columns
    }

    var axis: UpdateAxis { .rows }

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        for index in indices(of: rows) { sum[places[index] - rows.lowerBound * columns] += values[index] }
    }

    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) {
        for index in indices(of: rows) { weights[places[index] - rows.lowerBound * columns] = values[index] }
    }

    private func indices(of rows: Range<Int>) -> Range<Int> {
        firstIndex(notBelow: rows.lowerBound * columns)..<firstIndex(notBelow: rows.upperBound * columns)
    }

    private func firstIndex(notBelow place: Int) -> Int {
        var low = 0
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
