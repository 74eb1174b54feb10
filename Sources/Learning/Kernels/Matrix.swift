import CKernels

/// A row-major view, `stride` numbers from row to row, of storage that copies share.
///
/// Lanes may write to disjoint parts of one storage at once; nothing guards against more than that.
@safe
public struct Matrix<R: Real>: @unchecked Sendable {
    /// How many rows there are.
    public let rows: Int
    /// How many numbers a row has.
    public let columns: Int
    /// How many numbers lie from the start of a row to that of the next.
    public let stride: Int
    private let storage: Storage<R>
    private let start: UnsafeMutablePointer<R>

    private init(
        _ storage: Storage<R>, _ start: UnsafeMutablePointer<R>, rows: Int, columns: Int, stride: Int
    ) {
        self.storage = storage
        unsafe self.start = unsafe start
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    init(storage: Storage<R>, rows: Int, columns: Int) {
        unsafe self.init(storage, storage.start, rows: rows, columns: columns, stride: columns)
    }

    static func count(_ rows: Int, _ columns: Int) -> Int {
        let (count, overflows) = rows.multipliedReportingOverflow(by: columns)
        precondition(rows >= 0 && columns >= 0 && !overflows, "a matrix of \(rows) by \(columns)")
        return count
    }

    /// Zeros.
    public init(rows: Int, columns: Int) {
        self.init(storage: Storage(count: Self.count(rows, columns)), rows: rows, columns: columns)
        fill(0)
    }

    /// The numbers given, row by row.
    public init(rows: Int, columns: Int, _ values: [R]) {
        precondition(values.count == Self.count(rows, columns), "\(values.count) numbers for \(rows) by \(columns)")
        self.init(storage: Storage(count: values.count), rows: rows, columns: columns)
        unsafe values.withUnsafeBufferPointer { values in
            guard let first = values.baseAddress else { return }
            unsafe start.initialize(from: first, count: values.count)
        }
    }

    // MARK: Views

    /// A view of some rows.
    public func rows(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return unsafe Matrix(
            storage, start + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    /// A view of some columns.
    public func columns(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return unsafe Matrix(storage, start + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// The same numbers in rows of another length; rows must lie without a gap.
    public func reshaped(rows: Int, columns: Int) -> Matrix {
        precondition(stride == self.columns || self.rows <= 1, "rows do not lie without a gap")
        precondition(Self.count(rows, columns) == self.rows * self.columns, "\(rows) by \(columns) numbers")
        return unsafe Matrix(storage, start, rows: rows, columns: columns, stride: columns)
    }

    // MARK: Numbers

    /// One number.
    public subscript(row: Int, column: Int) -> R {
        get { unsafe pointer(row, column).pointee }
        nonmutating set { unsafe pointer(row, column).pointee = newValue }
    }

    private func pointer(_ row: Int, _ column: Int) -> UnsafeMutablePointer<R> {
        precondition(
            row >= 0 && row < rows && column >= 0 && column < columns, "[\(row), \(column)] of \(rows) by \(columns)")
        return unsafe start + (row * stride + column)
    }

    /// A copy of the numbers, row by row.
    public var values: [R] {
        unsafe [R](unsafeUninitializedCapacity: rows * columns) { values, count in
            guard let first = values.baseAddress else { return }
            for row in 0..<rows {
                unsafe (first + row * columns).initialize(from: start + row * stride, count: columns)
            }
            count = rows * columns
        }
    }

    /// Sets every number.
    public func fill(_ value: R) {
        for row in 0..<rows { unsafe (start + row * stride).initialize(repeating: value, count: columns) }
    }

    /// Copies the numbers of a matrix of the same shape, which may overlap.
    public func copy(from other: Matrix) {
        precondition(hasShape(of: other), "copies \(other.shape) into \(shape)")
        for row in 0..<rows {
            unsafe (start + row * stride).update(from: other.start + row * other.stride, count: columns)
        }
    }

    /// Calls `body` with the numbers of a row.
    public func withRow<Result, Failure: Error>(
        _ row: Int, _ body: (UnsafeMutableBufferPointer<R>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        defer { withExtendedLifetime(storage) {} }
        return try unsafe body(UnsafeMutableBufferPointer(start: start + row * stride, count: columns))
    }

    // MARK: For kernels

    /// What C is told. Whoever calls holds the matrix meanwhile.
    var view: tenon_matrix { unsafe tenon_matrix(start: start, rows: rows, columns: columns, stride: stride) }

    /// As a row that is repeated.
    var repeated: tenon_matrix { unsafe tenon_matrix(start: start, rows: rows, columns: columns, stride: 0) }

    func operand(isTransposed: Bool) -> tenon_operand {
        unsafe tenon_operand(
            start: start, stride: stride, numbers: Int32(TENON_NUMBERS_OWN), is_transposed: isTransposed ? 1 : 0)
    }

    var shape: String { "\(rows)×\(columns)" }

    func hasShape(of other: Matrix) -> Bool { rows == other.rows && columns == other.columns }
}

extension tenon_matrix {
    /// None at all.
    static var none: tenon_matrix { unsafe tenon_matrix(start: nil, rows: 0, columns: 0, stride: 0) }
}
