package import Adapters
package import Diagnostics
package import Tensors

/// What an entry of an adapter does to one tensor of the base: its factors are read, scaled and checked.
///
/// A tensor is seen as a matrix, row-major; ``PlannedUpdate/rows`` and ``PlannedUpdate/columns`` say which. All
/// arithmetic is on fp32 elements; who applies the updates reads the base, orders replacements before sums before maps,
/// and rounds once in the end.
package enum WeightUpdate: Sendable {
    /// W' = W + Δ. All sums of a tensor share one fp32 accumulator per element.
    case sum(any SumUpdate)
    /// W' = f(W), row by row.
    case map(any RowUpdate)
    /// W' is this tensor; of the base's shape, but maybe of another type.
    case replace(any TensorSource)
}

/// A change that is added.
package protocol SumUpdate: Sendable {
    /// Adds the change of rows of the tensor as it is stored.
    ///
    /// - Parameter sum: [rows.count, columns]; what other updates have added stays in it.
    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) throws(Failure)
}

/// A change that depends on the weights it changes, a row at a time.
package protocol RowUpdate: Sendable {
    /// What `update` calls rows.
    var axis: UpdateAxis { get }

    /// Overwrites weights by what they become.
    ///
    /// - Parameters:
    ///   - rows: Which rows of the tensor; with ``UpdateAxis/columns``, which of its columns.
    ///   - weights: Those rows one after the other; with ``UpdateAxis/columns`` those columns, each of them gathered.
    func update(rows: Range<Int>, _ weights: inout MutableSpan<Float>) throws(Failure)
}

/// Along which side of the stored matrix an update needs to see whole vectors.
package enum UpdateAxis: Hashable, Sendable {
    case rows
    /// The tensor is stored transposed, [in, out]: its columns are the weights of one output.
    case columns
}

/// A tensor of the base, as its header and its model's config describe it.
package struct BaseTensor: Hashable, Sendable {
    package let dtype: DType
    package let shape: Shape
    /// Whether the model keeps this weight as [in, out], or a stack as [stack, in, out]. Looked at only where the shapes
    /// of the adapter's factors leave it open.
    package let isTransposed: Bool

    package init(dtype: DType, shape: Shape, isTransposed: Bool = false) {
        self.dtype = dtype
        self.shape = shape
        self.isTransposed = isTransposed
    }
}

/// An update of one tensor of the base, whose shapes fit; its factors are not read yet.
package struct PlannedUpdate: Sendable {
    package let entry: EntryKey
    /// The tensor's name, as the base was asked for it.
    package let target: String
    package let effect: Effect
    /// The tensor as a matrix. Updates of one tensor can be run together where they have the same columns.
    package let rows: Int
    package let columns: Int
    private let build: @Sendable () throws(Failure) -> WeightUpdate

    package enum Effect: Hashable, Sendable {
        case replace, sum
        case map(UpdateAxis)
    }

    init(
        entry: EntryKey, target: String, effect: Effect, rows: Int, columns: Int,
        build: @escaping @Sendable () throws(Failure) -> WeightUpdate
    ) {
        self.entry = entry
        self.target = target
        self.effect = effect
        self.rows = rows
        self.columns = columns
        self.build = build
    }

    /// Reads the factors. What it returns holds them in memory, as fp32.
    ///
    /// Throws what reading throws, ``Failure/Code/sparseIndex``, ``Failure/Code/maskCount``, and
    /// ``Failure/Code/kindShape`` for values that cannot be used.
    package func prepare() throws(Failure) -> WeightUpdate {
        do throws(Failure) {
            return try build()
        } catch {
            throw error.on(entry.target)
        }
    }
}
