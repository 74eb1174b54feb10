import CKernels

/// What a product begins with.
public enum Start<R: Real>: Sendable {
    /// Zeros.
    case zero
    /// What the result holds.
    case accumulate
    /// The same row, [1, columns], everywhere, such as a bias.
    case row(Matrix<R>)
    /// A matrix of the result's shape, such as a residual.
    case matrix(Matrix<R>)
}

/// What may be the right factor of a product: a ``Matrix`` or a ``Weight``.
public protocol Factor<Number>: Sendable {
    /// What it is a matrix of.
    associatedtype Number: Real
    /// As it is read.
    var weight: Weight<Number> { get }
}

extension Matrix: Factor {
    /// As it is read.
    public var weight: Weight<R> { Weight(self) }
}

extension Weight: Factor {
    /// As it is read.
    public var weight: Weight { self }
}

/// A product `a · b`, or with either transposed.
public struct Term<R: Real>: Sendable {
    let left: Matrix<R>
    let isLeftTransposed: Bool
    let right: Weight<R>
    let isRightTransposed: Bool

    /// `a · b`; a `transposed` says of the factor before it that it is.
    public init(_ a: Matrix<R>, transposed: Bool, _ b: some Factor<R>, transposed isRightTransposed: Bool) {
        left = a
        isLeftTransposed = transposed
        right = b.weight
        self.isRightTransposed = isRightTransposed
        let depth = isRightTransposed ? right.columns : right.rows
        require(self.depth == depth, "a product of depths \(self.depth) and \(depth)")
    }

    /// `a · b`.
    public init(_ a: Matrix<R>, _ b: some Factor<R>) {
        self.init(a, transposed: false, b, transposed: false)
    }

    /// `a · b`, or `aᵀ · b`.
    public init(_ a: Matrix<R>, transposed: Bool, _ b: some Factor<R>) {
        self.init(a, transposed: transposed, b, transposed: false)
    }

    /// `a · b`, or `a · bᵀ`.
    public init(_ a: Matrix<R>, _ b: some Factor<R>, transposed: Bool) {
        self.init(a, transposed: false, b, transposed: transposed)
    }

    var rows: Int { isLeftTransposed ? left.columns : left.rows }
    var columns: Int { isRightTransposed ? right.rows : right.columns }
    var depth: Int { isLeftTransposed ? left.rows : left.columns }

    var raw: tenon_term {
        unsafe tenon_term(
            left: left.operand(isTransposed: isLeftTransposed), right: right.operand(isTransposed: isRightTransposed),
            depth: depth)
    }
}

extension Engine {
    /// `c = start + Σ terms`. Each number is one chain of fused multiply-adds that begins with start's, over the terms in
    /// order and their depth in order; so no bit depends on how a batch is split into rows.
    ///
    /// `c` overlaps no factor; a start that is not `c` does not overlap it either. There are 16 terms at most.
    public func multiply(_ terms: Term<R>..., from start: Start<R> = .zero, into c: Matrix<R>) {
        multiply(terms, from: start, into: c)
    }

    /// As above, with terms in an array.
    public func multiply(_ terms: [Term<R>], from start: Start<R> = .zero, into c: Matrix<R>) {
        require(terms.count <= 16, "\(terms.count) terms of a product")
        for term in terms {
            require(
                term.rows == c.rows && term.columns == c.columns,
                "a product of \(term.rows)×\(term.columns) into \(c.shape)")
        }
        let begin: tenon_matrix
        switch start {
        case .zero: unsafe begin = .none
        case .accumulate: unsafe begin = c.view
        case .row(let row):
            require(row.rows == 1 && row.columns == c.columns, "a start of \(row.shape) for \(c.shape)")
            unsafe begin = row.repeated
        case .matrix(let matrix):
            require(matrix.hasShape(of: c), "a start of \(matrix.shape) for \(c.shape)")
            unsafe begin = matrix.view
        }
        let grid = ProductGrid(
            rows: c.rows, columns: c.columns, threads: threads, isTurned: terms.contains { $0.isLeftTransposed })
        let sent = unsafe SentTerms(terms: terms, start: start, begin: begin)
        unsafe forEachWithScratch(grid.count) { index, scratch in
            let (rows, columns) = grid[index]
            let raw = unsafe sent.terms.map { unsafe $0.raw }
            unsafe R.kernels.multiply(raw, raw.count, sent.begin, c.view, rows, columns, scratch)
        }
    }
}

/// What lanes read together.
@safe
private struct SentTerms<R: Real>: @unchecked Sendable {
    let terms: [Term<R>]
    let start: Start<R>
    let begin: tenon_matrix
}

/// How a result is cut into blocks, one task each.
struct ProductGrid: Sendable {
    private let rows: Int
    private let columns: Int
    private let height: Int
    private let width: Int
    private let across: Int

    /// Widths are multiples of a panel's, heights of a tile's, on the widest body.
    private static let panel = 48
    private static let tile = 16
    /// So many rows at once that their part of the left factor stays near.
    private static let mostRows = 512

    /// `isTurned` says that the left factor is transposed: every panel reads it anew from far apart.
    init(rows: Int, columns: Int, threads: Int, isTurned: Bool) {
        self.rows = rows
        self.columns = columns
        func size(_ count: Int, parts: Int, _ multiple: Int) -> Int {
            let parts = max(1, min(parts, (count + multiple - 1) / multiple))
            return max(multiple, ((count + parts - 1) / parts + multiple - 1) / multiple * multiple)
        }
        let down = max(1, (rows + Self.mostRows - 1) / Self.mostRows)
        // Narrow blocks go through caches better even on one thread, but where the left factor is soon read or badly read
        // wide ones do, and high ones where there is but one panel.
        let some = threads == 1 ? 1 : threads * 2
        let wanted = columns <= Self.panel ? threads : isTurned || rows <= 128 ? some : max(2, threads) * 4
        width = size(columns, parts: (wanted + down - 1) / down, Self.panel)
        across = max(1, (columns + width - 1) / width)
        height = size(rows, parts: max(down, min((wanted + across - 1) / across, rows / 96)), Self.tile)
    }

    var count: Int { rows == 0 || columns == 0 ? 0 : across * ((rows + height - 1) / height) }

    subscript(index: Int) -> (rows: tenon_range, columns: tenon_range) {
        let row = index / across * height, column = index % across * width
        return (
            tenon_range(from: row, to: min(row + height, rows)),
            tenon_range(from: column, to: min(column + width, columns))
        )
    }
}
