package import Diagnostics
import Files
package import Tensors

/// A tensor that looks into a stretch of a file: `storage[offset + Σ index · stride]`, in elements.
package struct StridedTensor: TensorSource {
    package let dtype: DType
    package let shape: Shape
    package let byteCount: Int
    /// In elements, one a dimension.
    package let strides: [Int]
    /// Where the first element lies in the storage, in elements.
    package let storageOffset: Int
    /// Where its bytes lie in the file, in order and one after the other; nil where they must be gathered.
    package let fileRange: Range<Int>?
    /// Whether it has more elements than its storage, some of them so at several places.
    package let isExpanded: Bool
    private let file: InputFile
    /// Where the first element lies in the file.
    private let origin: Int

    /// How much of the file is read at once to gather elements from.
    private static let windowLimit = 16 << 20

    /// Refuses a view that leaves `storage`, with ``Failure/Code/pickleRefused``.
    init(_ view: PickleReader.View, in file: InputFile, storage: Range<Int>) throws(Failure) {
        dtype = view.dtype
        shape = Shape(view.shape)
        byteCount = try shape.byteCount(view.dtype)
        strides = view.strides
        storageOffset = view.offset
        self.file = file
        let width = view.dtype.bits / 8
        var (reach, dense) = (view.offset, 1)
        var (fits, isContiguous) = (true, true)
        for (dimension, stride) in zip(view.shape, view.strides).reversed() where dimension > 1 {
            let span = (dimension - 1).multipliedReportingOverflow(by: stride)
            let sum = reach.addingReportingOverflow(span.partialValue)
            fits = fits && !span.overflow && !sum.overflow
            isContiguous = isContiguous && stride == dense
            reach = sum.partialValue
            dense &*= dimension
        }
        guard byteCount == 0 || fits && reach < storage.count / width else {
            throw Failure(.pickleRefused, "the tensor reaches beyond its storage")
        }
        isExpanded = byteCount > storage.count
        origin = byteCount == 0 ? storage.lowerBound : storage.lowerBound + view.offset * width
        fileRange = isContiguous || byteCount == 0 ? origin..<origin + byteCount : nil
    }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        precondition(offset >= 0 && target.byteCount <= byteCount - offset)
        guard target.byteCount > 0 else { return }
        guard fileRange == nil else { return try file.read(at: origin + offset, into: &target) }
        let width = dtype.bits / 8
        let total = target.byteCount
        try unsafe target.withUnsafeMutableBytes { (target) throws(Failure) in
            var done = 0
            while done < total {
                let first = (offset + done) / width
                var count = (offset + total - 1) / width + 1 - first
                var window = span(of: first, count)
                while window.count * width > Self.windowLimit, count > 1 {
                    count /= 2
                    window = span(of: first, count)
                }
                let bytes = try file.read(at: origin + window.lowerBound * width, count: window.count * width)
                for element in first..<first + count {
                    let from = (place(of: element) - window.lowerBound) * width - element * width
                    for byte in max(element * width, offset)..<min(element * width + width, offset + total) {
                        unsafe target[byte - offset] = bytes[from + byte]
                    }
                }
                done = min(total, (first + count) * width - offset)
            }
        }
    }

    /// Where an element lies, counted from the first.
    private func place(of element: Int) -> Int {
        var (rest, place) = (element, 0)
        for (dimension, stride) in zip(shape.dimensions, strides).reversed() {
            place += rest % dimension * stride
            rest /= dimension
        }
        return place
    }

    /// A stretch of places that holds those of `count` elements from `first` on.
    private func span(of first: Int, _ count: Int) -> Range<Int> {
        // Below the outermost index that changes, any index may occur.
        var (low, high, inner) = (first, first + count - 1, 0)
        var (start, end) = (0, 0)
        for (dimension, stride) in zip(shape.dimensions, strides).reversed() {
            if low == high {
                start += low % dimension * stride
                end += low % dimension * stride
            } else if low / dimension == high / dimension {
                start += low % dimension * stride
                end += high % dimension * stride + inner
            } else {
                inner += (dimension - 1) * stride
            }
            (low, high) = (low / dimension, high / dimension)
        }
        return start..<end + 1
    }
}
