import Diagnostics
import LinearAlgebra
import Tensors

/// Places of a matrix, row by row and in each row from left to right, each once.
struct SparsePlaces: Sendable {
    let rows: Int
    let columns: Int
    /// Of each place its column.
    let column: [Int32]
    /// Where each row's places begin, and where the last one's end.
    let start: [Int]

    var count: Int { column.count }

    /// `count` places, each set of them as likely as any other (Floyd's algorithm; Bentley and Floyd, 1987).
    init(drawing count: Int, rows: Int, columns: Int, seed: UInt64, name: String) {
        let random = CounterRandom(seed: seed, name: name)
        let total = rows * columns
        var chosen: Set<Int> = []
        chosen.reserveCapacity(count)
        for last in total - count..<total {
            // 48 bits, which is a great deal more than a matrix has places.
            let bits = random.bits(2 * last) << 24 | random.bits(2 * last + 1)
            let place = Int((bits << 16).multipliedFullWidth(by: UInt64(last + 1)).high)
            if !chosen.insert(place).inserted { chosen.insert(last) }
        }
        self.init(chosen.sorted(), rows: rows, columns: columns)
    }

    /// Coordinates [2, n], rows and columns.
    ///
    /// Throws ``Failure/Code/kindShape`` for places outside the matrix, or in another order.
    init(_ source: any TensorSource, rows: Int, columns: Int, name: String) throws(Failure) {
        let dimensions = source.shape.dimensions
        guard source.dtype == .i32 || source.dtype == .i64, dimensions.count == 2, dimensions[0] == 2 else {
            throw Failure(
                .kindShape, "the places of these values cannot be trained", object: name,
                expected: "I32 or I64 [2, n]", actual: "\(source.dtype.name) \(source.shape)")
        }
        let (count, width) = (dimensions[1], source.dtype == .i32 ? 4 : 8)
        let bytes = try source.readAll()
        func number(_ place: Int) -> Int {
            var bits: UInt64 = 0
            for byte in 0..<width { bits |= UInt64(bytes[place * width + byte]) << UInt64(8 * byte) }
            return width == 4 ? Int(Int32(truncatingIfNeeded: bits)) : Int(Int64(bitPattern: bits))
        }
        var places: [Int] = []
        places.reserveCapacity(count)
        for index in 0..<count {
            let (row, column) = (number(index), number(count + index))
            guard row >= 0, row < rows, column >= 0, column < columns else {
                throw Failure(
                    .kindShape, "a value lies outside the weight", object: name,
                    expected: "\(rows) rows of \(columns)", actual: "row \(row), column \(column)")
            }
            let place = row * columns + column
            if let last = places.last, last >= place {
                throw Failure(.kindShape, "the places of values are not in their order", object: name)
            }
            places.append(place)
        }
        self.init(places, rows: rows, columns: columns)
    }

    private init(_ places: [Int], rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        column = places.map { Int32($0 % columns) }
        var start = [Int](repeating: 0, count: rows + 1)
        for place in places { start[place / columns + 1] += 1 }
        for row in 0..<rows { start[row + 1] += start[row] }
        self.start = start
    }

    /// As I32 [2, n].
    func buffer() throws(Failure) -> TensorBuffer {
        var numbers: [Int32] = []
        for row in 0..<rows { numbers += repeatElement(Int32(row), count: start[row + 1] - start[row]) }
        numbers += column
        var bytes: [UInt8] = []
        bytes.reserveCapacity(numbers.count * 4)
        for number in numbers {
            unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        return try TensorBuffer(dtype: .i32, shape: [2, count], bytes: bytes)
    }
}

extension CounterRandom {
    /// The 24 bits that the number at a place is made of.
    fileprivate func bits(_ place: Int) -> UInt64 { UInt64((self[place] + 1) * 0x1p23) }
}
