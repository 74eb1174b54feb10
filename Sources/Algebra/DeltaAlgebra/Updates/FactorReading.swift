import CKernels
import Diagnostics
import Tensors

/// A factor in memory, row-major.
struct Matrix: Sendable {
    let rows: Int
    let columns: Int
    var values: [Float]

    init(rows: Int, columns: Int, _ values: [Float]) {
        precondition(values.count == rows * columns)
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    subscript(row: Int, column: Int) -> Float {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    var transposed: Matrix {
        var result = [Float](repeating: 0, count: values.count)
        for row in 0..<rows {
            for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
        }
        return Matrix(rows: columns, columns: rows, result)
    }

    /// Each element times `factor`, rounded once.
    func scaled(by factor: Float) -> Matrix {
        factor == 1 ? self : Matrix(rows: rows, columns: columns, values.map { factor * $0 })
    }

    /// Each row times its element of `factors`, rounded once.
    func scalingRows(by factors: [Float]) -> Matrix {
        var result = self
        for row in 0..<rows {
            for column in 0..<columns { result[row, column] *= factors[row] }
        }
        return result
    }

    /// The upper left corner.
    func cropped(rows: Int, columns: Int) -> Matrix {
        if rows == self.rows, columns == self.columns { return self }
        var result: [Float] = []
        result.reserveCapacity(rows * columns)
        for row in 0..<rows { result += values[(row * self.columns)..<(row * self.columns + columns)] }
        return Matrix(rows: rows, columns: columns, result)
    }
}

extension TensorSource {
    /// All elements as fp32, widened without loss; F64 is rounded.
    func floats() throws(Failure) -> [Float] {
        try floats(0..<(try shape.elementCount()))
    }

    /// A stretch of the flattened elements as fp32.
    ///
    /// Throws ``Failure/Code/kindShape`` for a type that holds no measured numbers.
    func floats(_ range: Range<Int>) throws(Failure) -> [Float] {
        guard let width = dtype.width else { throw notNumbers }
        var values = [Float](repeating: 0, count: range.count)
        switch dtype {
        case .f32: try fill(&values, from: range.lowerBound * width)
        case .f64:
            var doubles = [Double](repeating: 0, count: range.count)
            try fill(&doubles, from: range.lowerBound * width)
            for index in values.indices { values[index] = Float(doubles[index]) }
        case .bf16, .f16:
            var halves = [UInt16](repeating: 0, count: range.count)
            try fill(&halves, from: range.lowerBound * width)
            if dtype == .bf16 {
                unsafe tenon_f32_from_bf16(halves, halves.count, &values)
            } else {
                unsafe tenon_f32_from_f16(halves, halves.count, &values)
            }
        default: throw notNumbers
        }
        return values
    }

    /// All elements as integers: places in a tensor. F32 is taken where it holds whole numbers, for PEFT on Windows.
    ///
    /// Throws ``Failure/Code/sparseIndex`` for what is no place.
    func places() throws(Failure) -> [Int] {
        guard let width = dtype.width else { throw notNumbers }
        let bytes = try readAll()
        var places: [Int] = []
        places.reserveCapacity(bytes.count / width)
        for index in 0..<(bytes.count / width) {
            let bits = bytes.littleEndian(index, width: width)
            let place: Int? =
                switch dtype {
                case .u8, .u16, .u32, .u64: Int(exactly: bits)
                case .i8: Int(Int8(truncatingIfNeeded: bits))
                case .i16: Int(Int16(truncatingIfNeeded: bits))
                case .i32: Int(Int32(truncatingIfNeeded: bits))
                case .i64: Int(Int64(bitPattern: bits))
                case .f32: Int(exactly: Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
                default: nil
                }
            guard let place, place >= 0 else {
                throw Failure(.sparseIndex, "place \(index) is negative or no integer")
            }
            places.append(place)
        }
        return places
    }

    /// Overwrites all of `array` with the bytes from `offset` on.
    private func fill<Element: BitwiseCopyable>(_ array: inout [Element], from offset: Int) throws(Failure) {
        guard !array.isEmpty else { return }
        var span = array.mutableSpan
        var bytes = unsafe span.mutableBytes
        try read(at: offset, into: &bytes)
    }

    private var notNumbers: Failure {
        Failure(.kindShape, "a tensor of \(dtype.name) was to hold numbers")
    }
}

extension [UInt8] {
    /// The element at `index` of elements of `width` bytes.
    fileprivate func littleEndian(_ index: Int, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for byte in (0..<width).reversed() { value = value << 8 | UInt64(self[index * width + byte]) }
        return value
    }
}
