import Adapters
package import Digests
import Tensors

extension Index {
    /// What the delta does, whatever its compression, layout, platform and metadata: over the adapter record, the bases,
    /// and every entry but files. `Spec/format.md`, "Content digest".
    package func contentDigest() -> Digest {
        var hash = SHA256()
        hash.update(domain: "tenon.content.v1")
        hash.update(lengthPrefixed: Array(string(method).utf8))
        hash.update(lengthPrefixed: parameters[Int(record)].serialized())
        hash.update(UInt32(bases.count))
        for base in bases { hash.update(base.root) }
        hash.update(UInt32(entries.count { $0.kind != .file }))
        var tensor = 0
        var leaf = 0
        for entry in entries {
            let own = tensors[tensor..<tensor + Int(entry.tensorCount)]
            let baseLeaf = entry.flags.contains(.baseLeaf) ? leaves[leaf] : .zero
            if entry.kind != .file { hash.update(digest(of: entry, tensors: own, baseLeaf: baseLeaf)) }
            tensor += Int(entry.tensorCount)
            leaf += entry.flags.rawValue.nonzeroBitCount
        }
        return hash.finish()
    }

    private func digest(of entry: EntryRecord, tensors: ArraySlice<TensorRecord>, baseLeaf: Digest) -> Digest {
        var hash = SHA256()
        hash.update(domain: "tenon.entry.v1")
        hash.update(lengthPrefixed: Array(string(entry.target).utf8))
        hash.update(entry.kind.rawValue)
        hash.update(entry.ordinal)
        hash.update(lengthPrefixed: parameters[Int(entry.parameters)].serialized())
        hash.update(entry.base)
        hash.update(baseLeaf)
        hash.update(UInt32(tensors.count))
        for tensor in tensors { hash.update(digest(of: tensor)) }
        return hash.finish()
    }

    private func digest(of tensor: TensorRecord) -> Digest {
        var hash = SHA256()
        hash.update(domain: "tenon.tensor.v1")
        hash.update(tensor.role.rawValue)
        hash.update(tensor.dtype.rawValue)
        hash.update(UInt8(tensor.shape.rank))
        for dimension in tensor.shape.dimensions { hash.update(UInt64(dimension)) }
        hash.update(tensor.digest)
        return hash.finish()
    }
}
