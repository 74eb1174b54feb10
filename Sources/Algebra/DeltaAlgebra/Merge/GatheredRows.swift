package import Diagnostics
import Synchronization
package import Tensors

/// A tensor whose rows are those of other tensors, means of them, or zero: an embedding brought to another vocabulary.
package final class GatheredRows: TensorSource {
    package struct Place: Hashable, Sendable {
        /// Which of the sources.
        package let source: Int
        package let row: Int

        package init(source: Int, row: Int) {
            self.source = source
            self.row = row
        }
    }

    package enum Row: Hashable, Sendable {
        case of(Place)
        /// In fp64, in the order given, rounded once.
        case mean([Place])
        case zero
        /// The mean of all rows that are none of this kind.
        case meanOfAll
    }

    package let dtype: DType
    package let shape: Shape
    package let byteCount: Int
    private let sources: [any TensorSource]
    private let rows: [Row]
    private let rowByteCount: Int
    private let overall = Mutex<[UInt8]?>(nil)

    /// - Parameters:
    ///   - sources: Tensors of floats, of one shape but for the number of rows.
    ///   - rows: Those of the result; places are within the sources.
    ///
    /// It has the sources' dtype, or is of fp32 where they differ or means are taken.
    package init(_ sources: [any TensorSource], rows: [Row]) throws(Failure) {
        guard let first = sources.first, !first.shape.dimensions.isEmpty else {
            throw Failure(.internal, "rows of nothing were asked for")
        }
        let takesMeans = rows.contains { row in
            switch row {
            case .mean, .meanOfAll: true
            default: false
            }
        }
        let isOneType = sources.allSatisfy { $0.dtype == first.dtype }
        let dtype = isOneType && !takesMeans ? first.dtype : .f32
        let sources = dtype == .f64 ? sources : sources.map { $0.inSingle }
        for source in sources {
            guard FloatElements.canHold(source.dtype) || source.dtype == dtype else {
                throw Failure(
                    .modelsIncompatible, "rows of \(source.dtype.name) cannot be brought to another vocabulary",
                    expected: "F64, F32, F16 or BF16")
            }
            guard source.shape.dimensions.dropFirst().elementsEqual(first.shape.dimensions.dropFirst()) else {
                throw Failure(
                    .modelsIncompatible, "the models have rows of different lengths", expected: "\(first.shape)",
                    actual: "\(source.shape)")
            }
        }
        self.dtype = dtype
        self.sources = sources.map { $0.dtype == dtype ? $0 : ConvertedTensor($0, to: dtype) }
        self.rows = rows
        shape = Shape([rows.count] + first.shape.dimensions.dropFirst())
        byteCount = try shape.byteCount(dtype)
        rowByteCount = rows.isEmpty ? 0 : byteCount / rows.count
    }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        guard rowByteCount > 0 else { return }
        var done = 0
        let count = target.byteCount
        while done < count {
            let row = (offset + done) / rowByteCount
            let skip = (offset + done) % rowByteCount
            let (place, length) = run(from: row, atMost: (count - done + skip + rowByteCount - 1) / rowByteCount)
            let bytes = min(length * rowByteCount - skip, count - done)
            var part = target._mutatingExtracting(done..<done + bytes)
            if let place {
                try sources[place.source].read(at: place.row * rowByteCount + skip, into: &part)
            } else {
                let made = try made(rows[row])
                part.copy(from: unsafe made.span.bytes.extracting(droppingFirst: skip).extracting(first: bytes))
            }
            done += bytes
        }
    }

    /// How many rows from one on stand in one stretch of a source; without a place for one that must be made.
    private func run(from row: Int, atMost limit: Int) -> (place: Place?, length: Int) {
        guard case .of(let place) = rows[row] else { return (nil, 1) }
        var length = 1
        while length < limit, row + length < rows.count, case .of(let next) = rows[row + length],
            next.source == place.source, next.row == place.row + length
        {
            length += 1
        }
        return (place, length)
    }

    // MARK: Rows that are made

    private func made(_ row: Row) throws(Failure) -> [UInt8] {
        switch row {
        case .of(let place): return try sources[place.source].read(at: place.row * rowByteCount, count: rowByteCount)
        case .zero: return [UInt8](repeating: 0, count: rowByteCount)
        case .mean(let places):
            var sums = [Double](repeating: 0, count: rowByteCount / 4)
            for place in places { try add(.of(place), to: &sums) }
            return Self.bytes(sums, over: places.count)
        case .meanOfAll:
            return try overall.withLock { overall throws(Failure) in
                if let overall { return overall }
                var sums = [Double](repeating: 0, count: rowByteCount / 4)
                var count = 0
                for row in rows where row != .meanOfAll {
                    try add(row, to: &sums)
                    count += 1
                }
                let mean = Self.bytes(sums, over: count)
                overall = mean
                return mean
            }
        }
    }

    private func add(_ row: Row, to sums: inout [Double]) throws(Failure) {
        if row == .zero { return }
        let bytes = try made(row)
        unsafe bytes.withUnsafeBytes { bytes in
            for index in sums.indices {
                sums[index] += Double(unsafe bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
            }
        }
    }

    private static func bytes(_ sums: [Double], over count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sums.count * 4)
        for sum in sums {
            let bits = Float(sum / Double(max(1, count))).bitPattern
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift)))
            }
        }
        return bytes
    }
}
