import Adapters
import Checkpoints
import Diagnostics
import Digests
import Parallelism
import Tensors

/// Why a base may not be the one that a delta was made for: proved where headers or values can prove it.
struct MismatchExplanation {
    let base: Checkpoint
    let reference: BaseReference
    let lanes: Lanes

    /// How many guesses are tried by their header digests.
    private static let guesses = 16
    /// Bytes of the largest tensor that is converted to compare its values.
    private static let convertedByteCount = 1 << 28
    private static let floats: [DType] = [.bf16, .f16, .f32]

    /// - Parameter differing: Tensors of the base that are not as they were, by number, with the leaves they had.
    func text(differing: [(tensor: Int, leaf: Digest)] = []) throws(Failure) -> String {
        if let method = base.quantization { return "this base is quantized (\(method)); the delta's is not" }
        if let dtype = try dtypeOfEqualValues(differing) {
            return "the values are equal in \(dtype.name): it is the same model in another dtype"
        }
        if reference.headerDigest == header({ ($0.dtype, $0.shape) }) {
            return "names, types and shapes are the same: perhaps another revision, or a fine-tune of it"
        }
        if let dtype = dtypeOfHeader() {
            return "with all floats in \(dtype.name) names and shapes would be the same: perhaps the same model in "
                + "another dtype"
        }
        if let (rows, wanted) = resizedRows() {
            return "tensors of \(rows) rows had \(wanted): a vocabulary that was resized"
        }
        if let name = tensorTooMany() { return "it has one tensor more than the delta's base: \(name)" }
        if reference.tensorCount != base.tensors.count {
            return "it has \(base.tensors.count) tensors and should have \(reference.tensorCount): another model"
        }
        return "names or shapes differ, in \(base.totalBytes) bytes instead of \(reference.byteCount): another model"
    }

    /// The type in which a tensor that differs has the values it had; looks at the smallest one.
    private func dtypeOfEqualValues(_ differing: [(tensor: Int, leaf: Digest)]) throws(Failure) -> DType? {
        let candidates = differing.filter { Self.floats.contains(base.tensors[$0.tensor].dtype) }
        guard
            let (number, leaf) = candidates.min(by: {
                base.tensors[$0.tensor].byteCount < base.tensors[$1.tensor].byteCount
            }), base.tensors[number].byteCount <= Self.convertedByteCount
        else { return nil }
        let tensor = base.tensors[number]
        for dtype in Self.floats where dtype != tensor.dtype {
            let digests = try DataDigests.take(of: [ConvertedTensor(tensor.source, to: dtype)], lanes: lanes)
            let found = BaseFingerprint.leaf(name: tensor.name, dtype: dtype, shape: tensor.shape, data: digests[0])
            if found == leaf { return dtype }
        }
        return nil
    }

    private func dtypeOfHeader() -> DType? {
        guard reference.tensorCount == base.tensors.count else { return nil }
        return Self.floats.first { dtype in
            reference.headerDigest == header { (Self.floats.contains($0.dtype) ? dtype : $0.dtype, $0.shape) }
        }
    }

    /// The first dimension that some tensors have, and the one that the delta's base has instead.
    private func resizedRows() -> (rows: Int, wanted: Int)? {
        guard reference.tensorCount == base.tensors.count else { return nil }
        var rowBytes: [Int: Int] = [:]
        for tensor in base.tensors where tensor.byteCount > 0 {
            guard let rows = tensor.shape.dimensions.first else { continue }
            rowBytes[rows, default: 0] += tensor.byteCount / rows
        }
        let change = reference.byteCount.subtractingReportingOverflow(base.totalBytes)
        guard !change.overflow else { return nil }
        let candidates = rowBytes.filter { $1 > 0 && change.partialValue % $1 == 0 }.sorted { $0.key > $1.key }
        for (rows, bytes) in candidates.prefix(Self.guesses) {
            let (wanted, overflow) = rows.addingReportingOverflow(change.partialValue / bytes)
            guard !overflow, wanted > 0, wanted != rows else { continue }
            let found = header { tensor in
                let isResized = tensor.shape.dimensions.first == rows
                return (tensor.dtype, isResized ? Shape([wanted] + tensor.shape.dimensions.dropFirst()) : tensor.shape)
            }
            if found == reference.headerDigest { return (rows, wanted) }
        }
        return nil
    }

    /// The one tensor without which the headers would fit: an output layer that was stored although it is tied.
    private func tensorTooMany() -> String? {
        guard base.tensors.count == reference.tensorCount + 1 else { return nil }
        let candidates = base.tensors.filter { $0.byteCount == base.totalBytes - reference.byteCount }
        return candidates.prefix(Self.guesses).first { tensor in
            reference.headerDigest == header { $0.name == tensor.name ? nil : ($0.dtype, $0.shape) }
        }?.name
    }

    /// The header digest with other types or shapes, or without the tensors for which there is nil.
    private func header(_ change: (CheckpointTensor) -> (dtype: DType, shape: Shape)?) -> Digest {
        MerkleTree.root(
            of: base.tensors.compactMap { tensor in
                change(tensor).map { BaseFingerprint.headerLeaf(name: tensor.name, dtype: $0.dtype, shape: $0.shape) }
            })
    }
}
