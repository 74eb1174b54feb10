import CKernels

/// What the numbers of a weight are where they lie.
public enum WeightFormat: Sendable {
    /// IEEE 754 binary32.
    case f32
    /// The upper half of a binary32.
    case bf16
    /// IEEE 754 binary16.
    case f16

    var numbers: Int32 {
        switch self {
        case .f32: Int32(TENON_NUMBERS_F32)
        case .bf16: Int32(TENON_NUMBERS_BF16)
        case .f16: Int32(TENON_NUMBERS_F16)
        }
    }

    var width: Int { self == .f32 ? 4 : 2 }
}

/// A matrix [rows, columns] that is read where it lies, in fp32, bf16, fp16 or as a ``Matrix``, and widened on the way.
@safe
public struct Weight<R: Real>: @unchecked Sendable {
    /// How many rows there are.
    public let rows: Int
    /// How many numbers a row has.
    public let columns: Int
    private let owner: any Sendable
    private let start: UnsafeRawPointer
    private let stride: Int
    /// Nil for numbers of `R`.
    private let format: WeightFormat?

    private init(
        _ start: UnsafeRawPointer, rows: Int, columns: Int, stride: Int, format: WeightFormat?, owner: any Sendable
    ) {
        self.rows = rows
        self.columns = columns
        self.owner = owner
        unsafe self.start = unsafe start
        self.stride = stride
        self.format = format
    }

    /// A matrix.
    public init(_ matrix: Matrix<R>) {
        unsafe self.init(
            matrix.operand(isTransposed: false).start, rows: matrix.rows, columns: matrix.columns,
            stride: matrix.stride,
            format: nil, owner: matrix)
    }

    /// Rows without gaps at `base`, such as those of a mapped file, which stay while `owner` lives.
    public init(
        unsafe base: UnsafeRawPointer, format: WeightFormat, rows: Int, columns: Int, owner: any AnyObject & Sendable
    ) {
        precondition(UInt(bitPattern: base) % UInt(format.width) == 0, "a weight that is not aligned")
        let isOwn = format == .f32 && R.self == Float.self
        unsafe self.init(
            base, rows: rows, columns: columns, stride: columns, format: isOwn ? nil : format, owner: owner)
    }

    /// A view of some rows.
    public func rows(_ range: Range<Int>) -> Weight {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return unsafe Weight(
            start + range.lowerBound * stride * (format?.width ?? MemoryLayout<R>.stride), rows: range.count,
            columns: columns, stride: stride, format: format, owner: owner)
    }

    /// A view of some columns.
    public func columns(_ range: Range<Int>) -> Weight {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return unsafe Weight(
            start + range.lowerBound * (format?.width ?? MemoryLayout<R>.stride), rows: rows,
            columns: range.count, stride: stride, format: format, owner: owner)
    }

    /// A copy in numbers of `R`.
    public func widened() -> Matrix<R> {
        let copy = Matrix<R>(rows: rows, columns: columns)
        unsafe R.kernels.widen(operand(isTransposed: false), copy.view, tenon_range(from: 0, to: rows))
        withExtendedLifetime(copy) {}
        return copy
    }

    func operand(isTransposed: Bool) -> tenon_operand {
        unsafe tenon_operand(
            start: start, stride: stride, numbers: format?.numbers ?? Int32(TENON_NUMBERS_OWN),
            is_transposed: isTransposed ? 1 : 0)
    }
}
