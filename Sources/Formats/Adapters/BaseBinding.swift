package import Digests

/// The checkpoint that a delta was made for: `Spec/base.md`.
package struct BaseReference: Hashable, Sendable {
    /// Of the tree over all its tensors.
    package let root: Digest
    /// The same without the tensors' bytes: tells models apart in milliseconds.
    package let headerDigest: Digest
    package let tensorCount: Int
    package let byteCount: Int

    package init(root: Digest, headerDigest: Digest, tensorCount: Int, byteCount: Int) {
        self.root = root
        self.headerDigest = headerDigest
        self.tensorCount = tensorCount
        self.byteCount = byteCount
    }
}

/// What an entry knows of the base's tensor and of what becomes of it.
package struct EntryBinding: Hashable, Sendable {
    /// Which of the adapter's bases.
    package var base: Int
    /// The leaf of the base's tensor that the entry was made for.
    package var baseLeaf: Digest?
    /// The leaf of the tensor that the target becomes, where that is known.
    package var resultLeaf: Digest?

    package init(base: Int, baseLeaf: Digest? = nil, resultLeaf: Digest? = nil) {
        self.base = base
        self.baseLeaf = baseLeaf
        self.resultLeaf = resultLeaf
    }
}
