package import Diagnostics
package import Tensors

extension TensorSource {
    /// Whether another tensor has the same bytes, of whatever type; both are read by blocks.
    package func hasSameBytes(as other: any TensorSource) throws(Failure) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for offset in stride(from: 0, to: byteCount, by: blockByteCount) {
            let count = min(blockByteCount, byteCount - offset)
            guard try read(at: offset, count: count) == other.read(at: offset, count: count) else { return false }
        }
        return true
    }
}
