package import Diagnostics
package import Digests
package import Parallelism
package import Tensors

/// What identifies a base model, whatever its shards, their names and their order: `Spec/base.md`.
package struct BaseFingerprint: Hashable, Sendable {
    /// The Merkle root over ``leaves``.
    package let root: Digest
    /// The same over names, types and shapes alone, which takes no reading of data.
    package let headerDigest: Digest
    /// In the order of ``Checkpoint/tensors``.
    package let leaves: [Digest]
    package let byteCount: Int

    package var tensorCount: Int { leaves.count }

    /// The fingerprint from the digests of the tensors' data (`Spec/format.md`, section 4), in the order of
    /// ``Checkpoint/tensors``: for those who hashed while they read for another end.
    package init(of checkpoint: Checkpoint, data: [Digest]) {
        precondition(data.count == checkpoint.tensors.count)
        self.init(
            of: checkpoint,
            leaves: zip(checkpoint.tensors, data).map { tensor, data in
                Self.leaf(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, data: data)
            })
    }

    /// The fingerprint from its leaves, in the order of ``Checkpoint/tensors``: for those who have them from elsewhere.
    package init(of checkpoint: Checkpoint, leaves: [Digest]) {
        precondition(leaves.count == checkpoint.tensors.count)
        self.leaves = leaves
        root = MerkleTree.root(of: leaves)
        headerDigest = Self.headerDigest(of: checkpoint)
        byteCount = checkpoint.totalBytes
    }

    /// Reads what `cache` does not know and hashes it.
    ///
    /// Memory: one buffer of 1 MiB a lane. Throws what reading throws, and ``Failure/Code/changedDuringRead``.
    ///
    /// - Parameters:
    ///   - cache: Is asked for each shard, and told what had to be read; nil for none.
    ///   - onRead: Is told how many bytes were read or need not be, from any thread.
    package init(
        of checkpoint: Checkpoint, lanes: Lanes, cache: FingerprintCache? = nil,
        onRead: (@Sendable (_ byteCount: Int) -> Void)? = nil
    ) throws(Failure) {
        var data = checkpoint.shards.map { cache?.digests(of: $0.file) }
        let unknown = data.indices.filter { data[$0] == nil }
        let unread = unknown.reduce(0) { $0 + checkpoint.shards[$1].file.header.dataByteCount }
        onRead?(checkpoint.totalBytes - unread)
        let read = try Self.digests(of: unknown.map { checkpoint.shards[$0].file }, lanes: lanes, onRead: onRead)
        for (shard, digests) in zip(unknown, read) { data[shard] = digests }
        try checkpoint.checkUnchanged()
        if let cache {
            for (shard, digests) in zip(unknown, read) { cache.keep(digests, of: checkpoint.shards[shard].file) }
        }
        let known = data.map { $0 ?? [] }
        self.init(of: checkpoint, data: checkpoint.tensors.map { known[$0.shard][$0.position] })
    }

    /// The digests of all tensors of `files`, each in the order of its header.
    private static func digests(
        of files: [SafetensorsFile], lanes: Lanes, onRead: (@Sendable (_ byteCount: Int) -> Void)?
    ) throws(Failure) -> [[Digest]] {
        let sources = files.flatMap { file in file.header.offsetOrder.map(file.source(at:)) }
        var read = try DataDigests.take(of: sources, lanes: lanes, onRead: onRead)[...]
        return files.map { file in
            var digests = [Digest](repeating: .zero, count: file.tensors.count)
            for position in file.header.offsetOrder { digests[position] = read.removeFirst() }
            return digests
        }
    }
}

// MARK: The leaves

extension BaseFingerprint {
    /// The leaf of a tensor; `data` is the digest of its bytes.
    package static func leaf(name: String, dtype: DType, shape: Shape, data: Digest) -> Digest {
        var hash = begin("tenon.base.v1", name, dtype, shape)
        hash.update(data)
        return hash.finish()
    }

    /// The same without the data.
    package static func headerLeaf(name: String, dtype: DType, shape: Shape) -> Digest {
        begin("tenon.baseheader.v1", name, dtype, shape).finish()
    }

    /// The root over the header leaves of a checkpoint.
    package static func headerDigest(of checkpoint: Checkpoint) -> Digest {
        MerkleTree.root(
            of: checkpoint.tensors.map { headerLeaf(name: $0.name, dtype: $0.dtype, shape: $0.shape) })
    }

    private static func begin(_ domain: String, _ name: String, _ dtype: DType, _ shape: Shape) -> SHA256 {
        var hash = SHA256()
        hash.update([0])
        hash.update(domain: domain)
        hash.update(lengthPrefixed: Array(name.utf8))
        hash.update(dtype.rawValue)
        hash.update(UInt8(shape.rank))
        for dimension in shape.dimensions { hash.update(UInt64(dimension)) }
        return hash
    }
}
