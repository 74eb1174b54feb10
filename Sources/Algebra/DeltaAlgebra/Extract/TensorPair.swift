import Checkpoints
import Diagnostics
import Tensors

/// A tensor of the tuned checkpoint and the base's of the same name, as far as they can be compared.
struct TensorPair: Sendable {
    let name: String
    /// The numbers of both in their checkpoints.
    let baseNumber: Int
    let tunedNumber: Int
    let base: any TensorSource
    /// As long as the base's; where the tuned tensor has more rows, its first ones.
    let tuned: any TensorSource
    /// The rows beyond the base's.
    let added: (any TensorSource)?

    /// Nil where the two are of other types or shapes, but for the number of rows: then nothing can be said of one by
    /// the other.
    init?(base: CheckpointTensor, number baseNumber: Int, tuned: CheckpointTensor, number tunedNumber: Int) {
        guard base.dtype == tuned.dtype else { return nil }
        if base.shape == tuned.shape {
            self.init(base, baseNumber, tuned.source, tunedNumber, added: nil)
            return
        }
        guard base.byteCount > 0, let own = base.shape.dimensions.first, let rows = tuned.shape.dimensions.first,
            rows > own, base.shape.dimensions.dropFirst().elementsEqual(tuned.shape.dimensions.dropFirst())
        else { return nil }
        let rest = Array(tuned.shape.dimensions.dropFirst())
        self.init(
            base, baseNumber,
            TensorRows(tuned.source, byteOffset: 0, byteCount: base.byteCount, shape: Shape([own] + rest)), tunedNumber,
            added: TensorRows(
                tuned.source, byteOffset: base.byteCount, byteCount: tuned.byteCount - base.byteCount,
                shape: Shape([rows - own] + rest)))
    }

    private init(
        _ base: CheckpointTensor, _ baseNumber: Int, _ tuned: any TensorSource, _ tunedNumber: Int,
        added: (any TensorSource)?
    ) {
        name = base.name
        self.baseNumber = baseNumber
        self.tunedNumber = tunedNumber
        self.base = base.source
        self.tuned = tuned
        self.added = added
    }
}

/// Some rows of a tensor.
struct TensorRows: TensorSource {
    private let whole: any TensorSource
    private let byteOffset: Int
    let byteCount: Int
    let shape: Shape

    init(_ whole: any TensorSource, byteOffset: Int, byteCount: Int, shape: Shape) {
        self.whole = whole
        self.byteOffset = byteOffset
        self.byteCount = byteCount
        self.shape = shape
    }

    var dtype: DType { whole.dtype }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        try whole.read(at: byteOffset + offset, into: &target)
    }
}
