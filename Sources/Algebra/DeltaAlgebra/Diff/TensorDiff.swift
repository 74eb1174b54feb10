package import Tensors

/// What became of one tensor, or of what an adapter does to one.
package struct TensorDiff: Sendable {
    package enum Status: String, Sendable {
        /// In all bits.
        case equal
        case changed
        case added
        case removed
        /// Of another shape; nothing else is said of it.
        case reshaped
        /// Of another type; the numbers are compared all the same.
        case dtype
    }

    /// What a tensor is, whatever its numbers.
    package struct Form: Hashable, Sendable, CustomStringConvertible {
        package let dtype: DType
        package let shape: Shape
        /// Of a product of two factors.
        package let rank: Int?

        package init(dtype: DType, shape: Shape, rank: Int? = nil) {
            self.dtype = dtype
            self.shape = shape
            self.rank = rank
        }

        package init(_ source: any TensorSource) {
            self.init(dtype: source.dtype, shape: source.shape)
        }

        package var description: String {
            "\(dtype.name) \(shape)" + (rank.map { " of rank \($0)" } ?? "")
        }
    }

    package let name: String
    package let status: Status
    /// Nil where it is added.
    package let before: Form?
    /// Nil where it is removed.
    package let after: Form?
    /// Nil where there are no two sets of numbers to compare.
    package let figures: DiffFigures?
    /// Of the change, where it was asked for and there is one.
    package var spectrum: ChangeSpectrum?

    package init(
        name: String, status: Status, before: Form?, after: Form?, figures: DiffFigures? = nil,
        spectrum: ChangeSpectrum? = nil
    ) {
        self.name = name
        self.status = status
        self.before = before
        self.after = after
        self.figures = figures
        self.spectrum = spectrum
    }
}
